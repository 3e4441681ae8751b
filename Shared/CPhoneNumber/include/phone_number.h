#ifndef SLUICE_PHONE_NUMBER_H
#define SLUICE_PHONE_NUMBER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What parsing found. */
enum sluice_phone_result {
  SLUICE_PHONE_OK = 0,
  SLUICE_PHONE_NOT_A_NUMBER = 1,
  SLUICE_PHONE_TOO_SHORT = 2,
  SLUICE_PHONE_TOO_LONG = 3,
  SLUICE_PHONE_INVALID_COUNTRY = 4,
  SLUICE_PHONE_NOT_MOBILE = 5
};

/* What the library's tables say of a number that has a mobile number's length. */
enum sluice_phone_range {
  /* Mobile, or a country that does not tell mobile numbers from others. */
  SLUICE_PHONE_RANGE_MOBILE = 0,
  /* Assigned, and to something else: a landline, a toll-free number, … */
  SLUICE_PHONE_RANGE_OTHER = 1,
  /* Not assigned, as far as the tables know. */
  SLUICE_PHONE_RANGE_UNASSIGNED = 2
};

/* Room for any E.164 number with its end. */
enum { SLUICE_PHONE_CAPACITY = 32 };

/*
 * Reads `+` and digits, or, with a region, the digits that are dialled there for another country, such as 011… in "US".
 * Thread-safe; throws nothing. The answer is SLUICE_PHONE_OK when a mobile number of that country may have this length.
 * region: "ZZ" for none.
 * e164: filled, ended by 0, when the answer is SLUICE_PHONE_OK.
 * range: filled with a sluice_phone_range in that case, unless it is NULL, which is faster.
 */
int sluice_phone_read(const char *text, size_t length, const char *region, char e164[SLUICE_PHONE_CAPACITY],
                      int *range);

/* The country code of a region; 0 when numbers without a country code cannot be read for it. */
int sluice_phone_country_code(const char *region);

#ifdef __cplusplus
}
#endif

#endif
