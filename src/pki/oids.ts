// Object identifiers by their names in RFC 5280, 5480, 5758 and 8017.
export const COMMON_NAME = "2.5.4.3";
export const ORGANIZATION = "2.5.4.10";
export const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
export const PRIME256V1 = "1.2.840.10045.3.1.7";
export const ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
export const ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
export const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
export const RSA_WITH_SHA256 = "1.2.840.113549.1.1.11";
export const SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
export const KEY_USAGE = "2.5.29.15";
export const SUBJECT_ALT_NAME = "2.5.29.17";
export const BASIC_CONSTRAINTS = "2.5.29.19";
export const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
export const EXTENDED_KEY_USAGE = "2.5.29.37";
export const ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0";
export const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
export const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
