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
    case PhoneNumberUtil::INVALID_LENGTH: return SLUICE_PHONE_NOT_MOBILE;
  }
  return SLUICE_PHONE_NOT_MOBILE;
}

int range_of(const PhoneNumber &number) {
  // The type of a number that is not valid is unknown.
  switch (util().GetNumberType(number)) {
    case PhoneNumberUtil::MOBILE:
    case PhoneNumberUtil::FIXED_LINE_OR_MOBILE: return SLUICE_PHONE_RANGE_MOBILE;
    case PhoneNumberUtil::UNKNOWN: return SLUICE_PHONE_RANGE_UNASSIGNED;
    default: return SLUICE_PHONE_RANGE_OTHER;
  }
}

}  // namespace

int sluice_phone_read(const char *text, size_t length, const char *region, char e164[SLUICE_PHONE_CAPACITY],
                      int *range) {
  try {
    PhoneNumber number;
    const std::string written(text, length);
    const bool is_international = !written.empty() && written[0] == '+';
    int result = result_of(is_international ? util().Parse(written, "ZZ", &number)
                                            : util().ParseAndKeepRawInput(written, region, &number));
    if (result != SLUICE_PHONE_OK) return result;
    if (!is_international && number.country_code_source() != PhoneNumber::FROM_NUMBER_WITH_IDD) {
      return SLUICE_PHONE_INVALID_COUNTRY;
    }
    result = result_of(util().IsPossibleNumberForTypeWithReason(number, PhoneNumberUtil::MOBILE));
    if (result != SLUICE_PHONE_OK) return result;
    if (range) *range = range_of(number);
    std::string formatted;
    util().Format(number, PhoneNumberUtil::E164, &formatted);
    if (formatted.size() >= SLUICE_PHONE_CAPACITY) return SLUICE_PHONE_TOO_LONG;
    std::memcpy(e164, formatted.c_str(), formatted.size() + 1);
    return SLUICE_PHONE_OK;
  } catch (...) {
    return SLUICE_PHONE_NOT_A_NUMBER;
  }
}

int sluice_phone_country_code(const char *region) {
  try {
    return util().GetCountryCodeForRegion(region);
  } catch (...) {
    return 0;
  }
}
