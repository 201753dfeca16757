/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What workloads may send from besides their own addresses, and how much they may send and get.
 *
 * sources4, sources6: LPM tries; an interface's networks, asked only with IFACE_SOURCES. The value
 * is 1.
 *
 * node_sources4, node_sources6: likewise, the networks of all pods of another node, asked where its
 * packets come out of the tunnel from an address that does not live there.
 *
 * qos: by interface and hook, what is allowed; the agent alone writes it. qos_use: by the same key,
 * what is used; programs alone write it, under the element's lock. The agent makes an element of
 * qos_use before that of qos, and both before the interface's flags say that they are there.
 */
#pragma once

#include <linux/bpf.h>

#include "types.h"

enum source_bits {
	SOURCE_IFINDEX_BITS = 32, /* of a key, before the network's own */
};

struct source_key4 {
	__u32 prefixlen; /* SOURCE_IFINDEX_BITS and the network's */
	__be32 ifindex;
	struct addr4 addr;
};
ASSERT_SIZE(struct source_key4, 12);

struct source_key6 {
	__u32 prefixlen;
	__be32 ifindex;
	struct addr6 addr;
};
ASSERT_SIZE(struct source_key6, 24);

struct node_source_key4 {
	__u32 prefixlen;   /* all bits of "node", and the network's */
	struct addr4 node; /* in the underlay, as route4.next_hop */
	struct addr4 addr;
};
ASSERT_SIZE(struct node_source_key4, 12);

struct node_source_key6 {
	__u32 prefixlen;
	struct addr6 node;
	struct addr6 addr;
};
ASSERT_SIZE(struct node_source_key6, 36);

struct qos_key {
	__u32 ifindex;
	__u32 hook; /* enum sluice_hook: HOOK_IN: what the workload sends; HOOK_OUT: what it gets */
};
ASSERT_SIZE(struct qos_key, 8);

enum qos_dscp {
	QOS_DSCP_SET = 1 << 8, /* qos_limit.dscp: a value is there, in the lower bits */
};

/* What a rate or a number is 0 of is not limited. */
struct qos_limit {
	__u32 packet_rate;  /* packets a second */
	__u32 packet_burst; /* packets */
	__u64 byte_rate;    /* bytes a second, of frames */
	__u64 byte_burst;   /* bytes */
	__u32 connections;  /* TCP connections opened in this direction */
	__u32 adjust; /* added to the number held: what a recount found to be missing; modulo 2^32
		       */
	__u32 dscp;   /* HOOK_IN: QOS_DSCP_SET and the value; else 0 */
	__u32 shaped; /* 1: a queueing discipline sees to byte_rate, programs do not */
};
ASSERT_SIZE(struct qos_limit, 40);

struct qos_use {
	struct bpf_spin_lock lock;
	__u32 taken;	   /* connections' slots since the element was made, modulo 2^32 */
	__u32 freed;	   /* likewise; held: taken - freed + qos_limit.adjust */
	__u32 refused;	   /* connections */
	__u64 packet_time; /* ns, monotonic: up to when packets' tokens are counted; 0: never */
	__u64 packet_fund; /* tokens, in 10^-9 packets */
	__u64 packets_dropped;
	__u64 byte_time;
	__u64 byte_fund;     /* in 10^-9 bytes, signed */
	__u64 bytes_dropped; /* packets that were too much for the bytes' rate */
};
ASSERT_SIZE(struct qos_use, 64);
