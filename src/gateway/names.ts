/** The alphabets of names. They are narrow on purpose: a name travels in headers, file names, map keys and logs. */

/** A client of the spec. */
export const CLIENT_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** Whatever becomes the value of an identity header, also a claim of a token. */
export const HEADER_VALUE = /^[A-Za-z0-9@._:+-]{1,128}$/;

/** A host of the gateway: a DNS name in lower case or an IPv4 or bracketed IPv6 address. */
export const HOST_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*|\[[0-9a-f:.]+\])$/;

/** A header field name (RFC 9110 token), as narrow as real ones are. */
export const HEADER_NAME = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;

/** What callers write in `model`: Hugging Face ids are of this form. */
export const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;

/** A role of the spec. */
export const ROLE_NAME = /^[a-z][a-z0-9_-]{0,31}$/;
