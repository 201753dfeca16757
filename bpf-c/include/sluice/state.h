/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * pkt: per-CPU array with one element. What sub-programs hand to each other about a packet that is
 * not on the fast path; the policy programs' view of the packet, so its offsets are theirs, too.
 */
#pragma once

#include "types.h"

enum pkt_flags {
	PKT_NEW = 1 << 0, /* no entry yet; else policy is asked about an existing one */
	PKT_NAT = 1 << 1, /* translated: saddr..dport differ from orig_* */
	PKT_HAIRPIN = 1 << 2,
	PKT_SRC_LOCAL = 1 << 3, /* the source is the workload behind the interface (host-ingress) */
	PKT_DST_LOCAL = 1 << 4, /* the destination is a local workload */
	PKT_DST_READY = 1 << 5, /* ... whose interface is ready */
	PKT_SYN = 1 << 6,	/* an initial SYN */
	PKT_STALE = 1 << 7,	/* an entry of this flow exists and is to be replaced */
	PKT_SRC_STACK = 1 << 8, /* came by way of the host stack (host-egress) */
	PKT_FROM_TUNNEL = 1 << 9, /* came by the tunnel, from the node "peer" */
	PKT_TO_TUNNEL = 1 << 10,  /* the destination lives behind the tunnel, on the node "peer" */
	PKT_HOST_IFACE = 1 << 11, /* on a host interface or loopback, not a workload's */
	PKT_FORWARD = 1 << 12,	  /* with either of the two: by the forwarding VNI */
	PKT_MIDFLOW = 1 << 13,	  /* TCP that does not open: only Maglev knows its backend */
	PKT_MASQ = 1 << 14,	  /* the backend is not the cluster's: by the node's own address */
	PKT_BOUNCED = 1 << 15,	  /* another node has no flow of it: the slot's former backend */
	PKT_LOCAL_ONLY = 1 << 16, /* only backends of this node will do */
	PKT_RELAY = 1 << 17,	  /* an ICMP error, for the node that owns the flow it is about */
	PKT_DST_HOST = 1 << 18,	  /* the destination is this node itself */
	PKT_DSR = 1 << 19,	  /* answers leave from the backend's node */
	PKT_MAGLEV = 1 << 20,	  /* chosen by a Maglev table */
	PKT_PRE_DNAT = 1 << 21,	  /* policy is asked before services are looked up */
	PKT_LOG = 1 << 22,	  /* a policy's rule wants this packet noted */
	PKT_SRC_HOST = 1 << 23,	  /* the source is this node itself */
	PKT_DIRECT = 1 << 24,	  /* the flow's key is a direct one: see CT_DIRECT */
	/* With PKT_PRE_DNAT: a policy that leaves the packet to others takes this back. */
	PKT_DECIDED = 1 << 25,
	/* A fragment other than the first, which XDP alone asks about: neither ports nor ICMP type.
	 */
	PKT_FRAGMENT = 1 << 26,
};

/* Addresses take four words in both families; IPv4 uses the first and zeroes the rest. */
struct pkt {
	struct addr6 saddr; /* after translation: what policy sees (SVC-1) */
	struct addr6 daddr;
	struct addr6 orig_saddr; /* as the packet has it */
	struct addr6 orig_daddr;
	__be16 sport; /* ICMP echo: as in struct ct_key4 */
	__be16 dport;
	__be16 orig_sport;
	__be16 orig_dport;
	__u8 proto;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 tcp_flags;
	__u32 flags; /* enum pkt_flags */
	__u32 src_ifindex;
	__u32 dst_ifindex;
	__u32 service;
	__u32 backend;
	__u32 gen;
	__u32 route_epoch;
	__u16 l3_offset; /* bytes from the start of the packet */
	__u16 l4_offset;
	__u32 reason;	      /* enum sluice_reason: why PROG_DROP or PROG_REFUSE was entered */
	struct addr6 peer;    /* a node's address in the underlay, by flags */
	__u32 policy_step;    /* where the next program of a policy of several goes on; 0: begins */
	__u32 sender_state;   /* enum ct_state: what a new flow's entry says of the sender and */
	__u32 receiver_state; /* the receiver besides all else, as if each were side A */
	__be16 ethertype; /* XDP alone, whose context does not tell it: ETH_P_IP or ETH_P_IPV6 */
	__u16 rsvd;
};
ASSERT_SIZE(struct pkt, 144);
