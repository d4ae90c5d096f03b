/* A call of an Apache Thrift service (strict binary protocol, unframed: what Hive's metastore
 * speaks). Source: thrift/doc/specs/thrift-binary-protocol.md. */
#pragma once

#include "images/launcher/tcp.h"
#include "lib/error.h"

/* Calls a method that needs no arguments: 0 when it gave its result within two seconds; -EBADMSG
 * for an exception of its own or of the service, and for what is no answer. */
int thrift_call(const struct tcp_address *a, const char *method, struct error *err);
