#include "phone_number.h"

#include <phonenumbers/logger.h>
#include <phonenumbers/phonenumberutil.h>

#include <cstring>
#include <string>

using i18n::phonenumbers::Logger;
using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

namespace {

// The library writes to standard output by default, and that could be a number.
class SilentLogger : public Logger {
 public:
  void WriteMessage(const std::string &) override {}
};

const PhoneNumberUtil &util() {
  // Made once, also when threads race; the library's constant methods are safe to share.
  static PhoneNumberUtil *const instance = [] {
    PhoneNumberUtil *made = PhoneNumberUtil::GetInstance();
    Logger::set_logger_impl(new SilentLogger());
    return made;
  }();
  return *instance;
}

int result_of(PhoneNumberUtil::ErrorType error) {
  switch (error) {
    case PhoneNumberUtil::NO_PARSING_ERROR: return SLUICE_PHONE_OK;
    case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR: return SLUICE_PHONE_INVALID_COUNTRY;
    case PhoneNumberUtil::NOT_A_NUMBER: return SLUICE_PHONE_NOT_A_NUMBER;
    case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
    case PhoneNumberUtil::TOO_SHORT_NSN: return SLUICE_PHONE_TOO_SHORT;
    case PhoneNumberUtil::TOO_LONG_NSN: return SLUICE_PHONE_TOO_LONG;
  }
  return SLUICE_PHONE_NOT_A_NUMBER;
}

int result_of(PhoneNumberUtil::ValidationResult reason) {
  switch (reason) {
    case PhoneNumberUtil::IS_POSSIBLE: return SLUICE_PHONE_OK;
    case PhoneNumberUtil::IS_POSSIBLE_LOCAL_ONLY:
    case PhoneNumberUtil::TOO_SHORT: return SLUICE_PHONE_TOO_SHORT;
    case PhoneNumberUtil::TOO_LONG: return SLUICE_PHONE_TOO_LONG;
    case PhoneNumberUtil::INVALID_COUNTRY_CODE: return SLUICE_PHONE_INVALID_COUNTRY;
    case PhoneNumberUtil::INVALID_LENGTH: return SLUICE_PHONE_NOT_VALID;
  }
  return SLUICE_PHONE_NOT_VALID;
}

}  // namespace

int sluice_phone_parse(const char *text, size_t length, const char *region, int must_be_valid,
                       char e164[SLUICE_PHONE_CAPACITY]) {
  try {
    PhoneNumber number;
    int result = result_of(util().Parse(std::string(text, length), region, &number));
    if (result != SLUICE_PHONE_OK) return result;
    // An SMS cannot reach an extension.
    if (number.has_extension()) return SLUICE_PHONE_NOT_A_NUMBER;
    result = result_of(util().IsPossibleNumberWithReason(number));
    if (result != SLUICE_PHONE_OK) return result;
    if (must_be_valid && !util().IsValidNumber(number)) return SLUICE_PHONE_NOT_VALID;
    std::string formatted;
    util().Format(number, PhoneNumberUtil::E164, &formatted);
    if (formatted.size() >= SLUICE_PHONE_CAPACITY) return SLUICE_PHONE_TOO_LONG;
    std::memcpy(e164, formatted.c_str(), formatted.size() + 1);
    return SLUICE_PHONE_OK;
  } catch (...) {
    return SLUICE_PHONE_NOT_A_NUMBER;
  }
}

int sluice_phone_knows_region(const char *region) {
  try {
    return util().GetCountryCodeForRegion(region) != 0;
  } catch (...) {
    return 0;
  }
}
