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

/*
 * frontends4, frontends6: hash, by exact address, port and protocol. A node port has one frontend
 * with the address 0, which stands for every address of every node (SVC-7).
 */
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
	/*
	 * Only backends of this node: for a cluster IP whoever asks (internalTrafficPolicy Local),
	 * for the others who asks from outside (externalTrafficPolicy Local).
	 */
	FRONTEND_LOCAL = 1 << 4,
	FRONTEND_SOURCE_RANGES = 1 << 5, /* only for sources in source_ranges4, source_ranges6 */
};

struct frontend {
	__u32 service; /* index in services; 0 is never used */
	__u32 flags;   /* enum frontend_flags */
};

enum service_flags {
	SERVICE_IPV6 = 1 << 0,	 /* base is an index in backends6, not backends4 */
	SERVICE_IN_USE = 1 << 1, /* this ID is given out */
	SERVICE_MAGLEV = 1 << 2, /* flows from outside, but by node ports, go by the Maglev table */
};

/* services: array by service ID, which stands for one port of one service in one family. */
struct service {
	__u32 base;		/* first of the service's span of backends */
	__u32 count;		/* the cluster's part of the span, which comes first; 0: refuse */
	__u32 local;		/* this node's part, which follows; its backends may be in both */
	__u32 flags;		/* enum service_flags */
	__u32 affinity_seconds; /* sessionAffinity ClientIP: time since the last new flow; 0: off */
	__u32 rsvd;
	__u64 owner; /* first 8 bytes, big endian, of SHA-256 of "namespace/name/port/PROTO/4|6" */
};
ASSERT_SIZE(struct service, 32);

enum backend_flags {
	BACKEND_LOCAL = 1 << 0, /* on this node, a pod or the host itself */
};

/* backends4, backends6: array. A backend of some weight has several elements with one ID. */
struct backend4 {
	struct addr4 addr;
	__be16 port;
	__u16 flags;   /* enum backend_flags */
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

/*
 * affinity4, affinity6: LRU hash, by client and service. Programs write and renew an element with
 * each new flow; only the agent deletes (SVC-5). An element whose backend is dead, or that is older
 * than the service's time, is a miss (SVC-4).
 */
struct affinity_key4 {
	struct addr4 client;
	__u32 service;
};
ASSERT_SIZE(struct affinity_key4, 8);

struct affinity_key6 {
	struct addr6 client;
	__u32 service;
};
ASSERT_SIZE(struct affinity_key6, 20);

struct affinity4 {
	struct addr4 addr; /* the backend, as in backends4 */
	__be16 port;
	__u16 flags;
	__u32 id;
	__u32 gen;
	jiffies32 last_used;
};
ASSERT_SIZE(struct affinity4, 20);

struct affinity6 {
	struct addr6 addr;
	__be16 port;
	__u16 flags;
	__u32 id;
	__u32 gen;
	jiffies32 last_used;
};
ASSERT_SIZE(struct affinity6, 32);

/*
 * source_ranges4, source_ranges6: longest-prefix match; who may speak to a frontend with
 * FRONTEND_SOURCE_RANGES (loadBalancerSourceRanges). The value is 1.
 */
struct source_range_key4 {
	__u32 prefixlen; /* bits: 32 of the service's ID, and those of the address */
	__be32 service;
	struct addr4 addr;
};

struct source_range_key6 {
	__u32 prefixlen;
	__be32 service;
	struct addr6 addr;
};
