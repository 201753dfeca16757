/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Flow state.
 *
 * A key is the flow's tuple, normalised: side A is the lower (address, port) by memcmp. One look-up
 * finds the entry for either direction, and every entry alone is enough to handle a packet:
 *
 *   normal       one entry: not translated. x: of a flow that another node's backend gets
 *                (CT_FORWARD), where that is; of others nothing.
 *   NAT forward  key: the tuple before translation, as the client sends it. x: the tuple after.
 *   NAT reverse  key: the tuple after translation, as the backend sees it; the tracking entry. x:
 * the tuple that answers bear when translated back.
 *
 * The x of each twin, normalised, is the key of the other, CT_DIRECT apart; both are made together
 * and die together (CT-1). Connection state lives in the normal or NAT reverse entry alone (CT-2).
 * Both maps are LRU hashes: a twin that the kernel evicts is made anew from the other within a
 * second of traffic.
 */
#pragma once

#include "types.h"

/* A direction of a flow is named by its sender. */
enum ct_side {
	CT_SIDE_A = 0,
	CT_SIDE_B = 1,
};

/*
 * ct_value.state. Bits of side B are those of side A, shifted left by one. Set atomically by any
 * program; cleared only by replacing the entry.
 */
enum ct_state {
	CT_SYN_A = 1 << 0, /* this side has sent a SYN */
	CT_SYN_B = 1 << 1,
	CT_FIN_A = 1 << 2, /* this side has sent a FIN */
	CT_FIN_B = 1 << 3,
	CT_RST_A = 1 << 4, /* this side has sent a RST */
	CT_RST_B = 1 << 5,
	CT_APPROVED_A = 1 << 6, /* this side's endpoint has approved the flow (or has none) */
	CT_APPROVED_B = 1 << 7,
	CT_OPENER_A = 1 << 8, /* this side sent the first packet */
	CT_OPENER_B = 1 << 9,
	CT_NAT_FORWARD = 1 << 10, /* this entry's kind; neither bit: normal */
	CT_NAT_REVERSE = 1 << 11,
	CT_HAIRPIN = 1 << 12,  /* a pod that reaches itself through a service */
	CT_SRC_PORT = 1 << 13, /* the source port is translated, too: it collided */
	CT_TUNNEL_A = 1 << 14, /* this side lives behind the tunnel, on the node tunnel_peer */
	CT_TUNNEL_B = 1 << 15,
	CT_OUT_A =
	    1 << 16, /* this side lives beyond the host interface of its ifindex, by the FIB */
	CT_OUT_B = 1 << 17,
	CT_FORWARD = 1 << 18, /* the tunnelled side is reached by the forwarding VNI */
	CT_DSR = 1 << 19, /* answers leave from the backend's node: none passes where flows enter */
	CT_MAGLEV = 1 << 20,  /* the node that the flow enters by may change in mid-flow (MAG-3) */
	CT_MASQ = 1 << 21,    /* the opener's packets leave with the node's address, by *tables* */
	CT_PACED_A = 1 << 22, /* what this side gets may not go past its interface's program */
	CT_PACED_B = 1 << 23,
	CT_DSCP_A = 1 << 24, /* what this side sends gets the DSCP of its interface */
	CT_DSCP_B = 1 << 25,
	CT_SLOT_A =
	    1 << 26, /* this side's endpoint has spent one of its connections on the flow; */
	CT_SLOT_B = 1 << 27, /* counted on the tracking entry alone */
	/*
	 * The opener's tuple is the key of another flow's tracking entry: what the client sends to
	 * a backend itself is what its flow by a service is behind the translation. The NAT forward
	 * entry of this flow therefore has ct_key.direct set (SVC-9).
	 */
	CT_DIRECT = 1 << 28,
	/* The host interface that the opener's packets leave by has approved, or has no policy. */
	CT_EGRESS = 1 << 29,
	/*
	 * Policy denies the flow since: what the other side still sends is no flow of its own, and
	 * a SYN opens it anew. With both CT_RST as well, an end's address is nobody's any more.
	 */
	CT_REVOKED = 1 << 30,
	/* Made at host-egress, of packets that the host itself has not sent. */
	CT_TRANSIT = 1u << 31,
};

/* ct_value.ifindex: the interface behind which a side lives, or one of these. */
enum ct_ifindex {
	CT_IF_UNKNOWN = 0,	  /* to be resolved by the next packet */
	CT_IF_STACK = 0x7fffffff, /* not a local workload: by way of the host stack */
};

struct ct_key4 {
	struct addr4 addr[2];
	__be16 port[2]; /* ICMP echo: the identifier is who asks' one; protocols without ports: 0 */
	__u8 proto;
	__u8 direct; /* 1: see CT_DIRECT */
	__u8 pad[2];
};
ASSERT_SIZE(struct ct_key4, 16);

struct ct_key6 {
	struct addr6 addr[2];
	__be16 port[2];
	__u8 proto;
	__u8 direct;
	__u8 pad[2];
};
ASSERT_SIZE(struct ct_key6, 40);

/* A tuple in the direction of a packet. */
struct ct_tuple4 {
	struct addr4 saddr;
	struct addr4 daddr;
	__be16 sport;
	__be16 dport;
};

struct ct_tuple6 {
	struct addr6 saddr;
	struct addr6 daddr;
	__be16 sport;
	__be16 dport;
};

/* The part of a value that both families share, and that an established flow's packet reads. */
struct ct_common {
	jiffies32 last_seen; /* written when older than a second; liveness is the newer twin's */
	jiffies32 created;
	__u32 state;	   /* enum ct_state */
	__u32 route_epoch; /* node.route_epoch for which ifindex is right */
	__u32 ifindex[2];  /* by enum ct_side */
	__u32 service;	   /* service ID; 0: none */
	__u32 backend;	   /* index in backend_gen; 0: none, whose generation is the frontends' */
	__u32 gen;	   /* backend_gen[backend] when the backend was chosen */
	__u16 csum_addr;   /* what translation adds to the Internet checksum of the addresses, */
	__u16 csum_port;   /* and of the ports; folded one's complement, order of the packet */
};
ASSERT_SIZE(struct ct_common, 40);

struct ct_value4 {
	struct ct_common c;
	struct ct_tuple4 x;
	struct addr4 tunnel_peer; /* the node of the side whose ifindex is the tunnel's; 0: none */
	__u32 rsvd[2];
};
ASSERT_SIZE(struct ct_value4, 64);

struct ct_value6 {
	struct ct_common c;
	struct ct_tuple6 x;
	struct addr6 tunnel_peer;
	__u32 rsvd[3];
};
ASSERT_SIZE(struct ct_value6, 104);

/* What the agent has found out about an entry. */
enum ct_verdict {
	CT_DEAD = 0,   /* silent for too long: deleted, unless it was touched since (CT-3) */
	CT_DENIED = 1, /* policy denies it by now: approvals are taken back, used or not */
	CT_ENDED = 2,  /* nobody, or another, has an end's address now: it ends, used or not */
};

/*
 * ct_clean4, ct_clean6: judgements of the agent, by key of the tracking entry. The cleaner carries
 * them out on an entry and its twin, and empties this map.
 *
 * Of CT_DENIED, the bits in "revoke" and "twin_revoke" are cleared in the states of the entry and
 * its twin, and the opener's next packet is asked. With CT_EGRESS alone nobody knows yet by which
 * interface that leaves: it is asked, and the flow goes on meanwhile. CT_ENDED deletes both; of TCP
 * it tears them down, so that a packet in mid-flow gets a RST, and a SYN opens the flow anew. For
 * these two, last_seen is the time at which the entry that was judged was created: another one in
 * its place stays.
 */
struct ct_judged4 {
	struct ct_key4 twin; /* proto 0: the entry has none */
	jiffies32 last_seen;
	jiffies32 twin_last_seen;
	__u32 revoke;
	__u32 twin_revoke;
	__u32 verdict; /* enum ct_verdict */
};

struct ct_judged6 {
	struct ct_key6 twin;
	jiffies32 last_seen;
	jiffies32 twin_last_seen;
	__u32 revoke;
	__u32 twin_revoke;
	__u32 verdict;
};

/* ct_clean_stats: array, one element; written by the cleaner of either family. */
struct ct_clean_stats {
	__u64 deleted; /* entries, twins included */
	__u64 spared;  /* judged, but touched since */
	__u64 absent;  /* judged, but gone already */
};

/*
 * directs4, directs6: arrays of counters, by which packets without entry know whether to look for a
 * flow with CT_DIRECT: they need not while both elements are equal, as there is none.
 */
enum ct_directs {
	CT_DIRECTS_MADE = 0, /* such flows so far; programs count */
	CT_DIRECTS_OVER = 1, /* ... when the agent saw none any more */
	CT_DIRECTS = 2,
};
