/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Services: frontend -> service -> backends.
 *
 * A set of backends is a span of the backends array that is written before anything points at it,
 * and left alone for a while after nothing does (SVC-3): a change of the set is one write of the
 * service. Readers check what they find (a backend says whose it is, and whether it is alive), so
 * that a read that races with a write picks again and never leaves the service.
 */
#pragma once

#include "types.h"

/* frontends4, frontends6: hash, by exact address, port and protocol. */
struct frontend_key4 {
	struct addr4 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};
ASSERT_SIZE(struct frontend_key4, 8);

struct frontend_key6 {
	struct addr6 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};
ASSERT_SIZE(struct frontend_key6, 20);

enum frontend_flags {
	FRONTEND_CLUSTER_IP = 1 << 0,
	FRONTEND_EXTERNAL_IP = 1 << 1,
	FRONTEND_LOAD_BALANCER = 1 << 2,
	FRONTEND_NODE_PORT = 1 << 3,
};

struct frontend {
	__u32 service; /* index in services; 0 is never used */
	__u32 flags;   /* enum frontend_flags */
};

enum service_flags {
	SERVICE_IPV6 = 1 << 0,	 /* base is an index in backends6, not backends4 */
	SERVICE_IN_USE = 1 << 1, /* this ID is given out */
};

/* services: array by service ID, which stands for one port of one service in one family. */
struct service {
	__u32 base;		/* first of the service's span of backends */
	__u32 count;		/* 0: refuse */
	__u32 flags;		/* enum service_flags */
	__u32 affinity_seconds; /* reserved */
	__u64 owner; /* first 8 bytes, big endian, of SHA-256 of "namespace/name/port/PROTO/4|6" */
};
ASSERT_SIZE(struct service, 24);

/* backends4, backends6: array. */
struct backend4 {
	struct addr4 addr;
	__be16 port;
	__u16 flags;
	__u32 service; /* whose it is */
	__u32 id;      /* index in backend_gen; 0: this slot holds nothing */
	__u32 gen;     /* alive while equal to backend_gen[id] */
};
ASSERT_SIZE(struct backend4, 20);

struct backend6 {
	struct addr6 addr;
	__be16 port;
	__u16 flags;
	__u32 service;
	__u32 id;
	__u32 gen;
};
ASSERT_SIZE(struct backend6, 32);

/*
 * backend_gen: array by backend ID, one ID for each (service ID, address, port) that is or was a
 * backend. The generation grows when the backend is removed, so every flow that chose it knows.
 * Element 0 stands for "no service": it grows when a frontend is added, so that flows older than
 * their service notice.
 */
struct backend_gen {
	__u32 gen;
};
