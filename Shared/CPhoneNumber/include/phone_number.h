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
  SLUICE_PHONE_NOT_VALID = 5
};

/* Room for any E.164 number with its end. */
enum { SLUICE_PHONE_CAPACITY = 32 };

/*
 * Parses a number as people write it. Thread-safe; throws nothing.
 * region: for numbers without a country code, such as "HK".
 * must_be_valid: 0 checks the length only, else also that the number is in an assigned range.
 * e164: filled, ended by 0, when the answer is SLUICE_PHONE_OK.
 */
int sluice_phone_parse(const char *text, size_t length, const char *region, int must_be_valid,
                       char e164[SLUICE_PHONE_CAPACITY]);

/* Whether numbers without a country code can be read for this region. */
int sluice_phone_knows_region(const char *region);

#ifdef __cplusplus
}
#endif

#endif
