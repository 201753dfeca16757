/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Base types that every other header builds on.
 *
 * Byte order is part of the type: __be16 and __be32 are network order, everything else is host
 * order. Java's codecs are generated from the BTF of these headers (layout.bpf.c), and read the
 * byte order off the typedef's name, so a field that is network order must have a __be type.
 */
#pragma once

#include <linux/types.h>

/* An IPv4 address. A struct, so that code for both families handles addresses alike. */
struct addr4 {
	__be32 w[1];
};

/* An IPv6 address, four words of network order. */
struct addr6 {
	__be32 w[4];
};

/* A time stamp or a duration: the kernel's jiffies64, cut to 32 bits; compare modulo 2^32. */
typedef __u32 jiffies32;

/* Layouts are an agreement with the agent and with maps that outlive it: pin their size here. */
#define ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " has another size")
