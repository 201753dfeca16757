/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Interfaces, by ifindex: the array "ifaces" up to IFACE_ARRAY_SIZE, the hash "ifaces_far" beyond.
 */
#pragma once

#include "types.h"

enum iface_limits {
	IFACE_ARRAY_SIZE = 8192,
	IFACE_NAME_SIZE = 16, /* IFNAMSIZ */
};

enum iface_flags {
	IFACE_CONFIGURED = 1 << 0, /* a zeroed element is no configuration */
	IFACE_WORKLOAD = 1 << 1,
	IFACE_HOST = 1 << 2,
	IFACE_READY4 = 1 << 3, /* programs, policy and routes are in place: new flows may enter */
	IFACE_READY6 = 1 << 4,
	IFACE_DEBUG = 1 << 5,	     /* enter the debug variants */
	IFACE_LOG_FILTER = 1 << 6,   /* enter the log filter first */
	IFACE_ANY_SOURCE = 1 << 7,   /* may send with any source address */
	IFACE_TUNNEL = 1 << 8,	     /* the VXLAN device to other nodes: has no policy */
	IFACE_LOOPBACK = 1 << 9,     /* with IFACE_HOST: what the host sends to its own addresses */
	IFACE_RPF_STRICT = 1 << 10,  /* host: a source is to be routed back by this interface */
	IFACE_RPF_LOOSE = 1 << 11,   /* host: a source is to be routed back by any interface */
	IFACE_SOURCES = 1 << 12,     /* may send from the networks in "sources", too */
	IFACE_QOS = 1 << 13,	     /* packets are counted by rates in "qos", either hook */
	IFACE_FORCE_TRACK = 1 << 14, /* host: its packets are the kernel's conntrack's (XDP-2) */
	IFACE_PACED = 1 << 15, /* what it gets is limited: no packet may go past its program */
	IFACE_CONNECTIONS = 1 << 16, /* connections are counted by limits in "qos" */
	IFACE_DSCP = 1 << 17,	     /* what it sends out of the cluster gets the DSCP in "qos" */
	/* Host: XDP asks a policy of its own about its packets; with a slot for host-ingress. */
	IFACE_UNTRACKED = 1 << 18,
};

struct iface {
	__u32 flags;	      /* enum iface_flags */
	__u32 policy_slot[2]; /* in the per-endpoint array of the hook (enum sluice_hook) */
	__u32 filter_slot[2]; /* likewise, of the log filter */
	struct addr4 addr4;   /* the workload's first address: spares RPF a look-up; 0: none */
	struct addr6 addr6;
	char name[16]; /* the interface this is about: an ifindex may be used anew */
	__u32 mtu;     /* host: bytes of the largest IP packet; 0: not known, no limit */
	__u32 rsvd;
};
ASSERT_SIZE(struct iface, 64);
