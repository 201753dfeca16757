/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Sub-programs, and where they sit in the program arrays.
 *
 * Each direction has two arrays of its own (PROG-4): the generic one, filled once for each set of
 * programs, and the per-endpoint one, whose slots are replaced one at a time (PROG-3). An index in
 * the generic array is PROG_x for the fast variant and PROG_x + PROG_COUNT for the debug one; IPv6
 * follows IPv4.
 */
#pragma once

#include "types.h"

/* The direction, seen from the host's namespace, of the hook that a program runs on. */
enum sluice_hook {
	HOOK_IN = 0,  /* host-ingress: a packet that enters the host's namespace */
	HOOK_OUT = 1, /* host-egress: a packet that leaves it */
	HOOK_COUNT = 2,
};

/* Generic sub-programs of one family. "in" and "out" name the hooks that load them. */
enum sluice_prog {
	PROG_MAIN = 0,	   /* in, out: parse, conntrack, established flows to their end */
	PROG_NEW_FLOW = 1, /* in, out: a flow without entry: RPF, service, route; enters policy */
	PROG_ALLOWED = 2, /* in, out: policy's continuation for allow: conntrack entries; forward */
	PROG_DROP = 3,	  /* in, out: policy's continuation for deny */
	PROG_ICMP_ERR = 4, /* in, out: an ICMP error about another flow */
	PROG_REFUSE = 5,   /* in, out: answer with TCP RST or ICMP port unreachable */
	PROG_TOO_BIG = 6,  /* in, out: answer with ICMP that says how much fits, or TTL exceeded */
	PROG_TUNNEL = 7,   /* in, out: the tunnel device's PROG_MAIN */
	PROG_HOST = 8,	   /* in, out: PROG_MAIN of host interfaces and loopback */
	PROG_OUTSIDE = 9,  /* in, out: a flow without entry on those, or by the forwarding VNI */
	PROG_MAGLEV = 10,  /* in, out: its backend by the service's Maglev table */
	PROG_PER_FAMILY = 11,
};

enum sluice_prog_index {
	PROG_FAMILY4 = 0,
	PROG_FAMILY6 = PROG_PER_FAMILY,
	PROG_COUNT = 2 * PROG_PER_FAMILY,
	PROG_DEBUG = PROG_COUNT, /* add to an index for its debug variant */
	PROG_SLOTS = 2 * PROG_COUNT,
};

/* The per-endpoint array: slots that interfaces name, and room for what one program cannot hold. */
enum policy_slots_limits {
	POLICY_SLOTS = 16384,
	POLICY_PIECES = 16384, /* further pieces of large policies, from POLICY_SLOTS on */
};

/*
 * XDP has arrays of its own, of the same kinds. Its policies find their continuations at constant
 * places, for an XDP program's context has no room for any; what they do not decide they pass.
 */
enum sluice_xdp_prog {
	XDP_PROG_ALLOW = 0, /* tells TC that policy has been asked */
	XDP_PROG_DENY = 1,
};

/* What XDP_PROG_ALLOW puts before a packet, as its metadata (XDP-1). */
enum sluice_xdp_meta {
	XDP_META_ALLOWED = 0x51c1ce01,
};

struct xdp_meta {
	__u32 verdict; /* enum sluice_xdp_meta */
};

/* Continuations that a caller of policy or of a log filter leaves in skb->cb. */
enum sluice_cb {
	CB_ALLOW = 0, /* skb->cb[0]: index in the generic array to enter for allow (or: no match) */
	CB_DENY = 1,  /* skb->cb[1]: index in the generic array to enter for deny (or: match) */
};
