/* Package URLs (github.com/package-url/purl-spec), one way of building them; the callers free. */
#pragma once

char *purl_golang(const char *module, const char *version);
char *purl_deb(const char *name, const char *version, const char *suite); /* suite may be NULL */
/* A coordinate as images/maven.h writes it; NULL when it is none. */
char *purl_maven(const char *coordinate);
char *purl_pypi(const char *name, const char *version);
/* ref: HOST/PATH:TAG, with or without a digest of its own. */
char *purl_oci(const char *ref, const char *digest);
/* A file by its URL and hash ("sha256:…"). */
char *purl_generic(const char *name, const char *url, const char *digest);
