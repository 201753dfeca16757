/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * skb->mark, where programs and *tables* tell each other what they know of a packet.
 *
 * All bits lie in MARK_MASK, which the agent refuses to share with anybody. A bit never serves two
 * meanings (PATH-2). Marks do not survive a veth pair (PATH-3): each program clears them on
 * purpose before a packet leaves the host's namespace.
 */
#pragma once

enum sluice_mark {
	MARK_MASK = 0x1ff00000,
	/* A program has seen and allowed this packet on its way into the host's namespace. */
	MARK_SEEN = 0x00100000,
	/* Approved to its end: no other program need look again (made or answered by us). */
	MARK_BYPASS = 0x00200000,
	/* TCP in mid-flow that conntrack does not know: *tables* decide by kernel conntrack. */
	MARK_FALLTHROUGH = 0x00400000,
	/* *tables* say: kernel conntrack knows this flow. */
	MARK_CT_ESTABLISHED = 0x00800000,
	/* Left to the host stack for this flow: forward by its routes, not by the FIB helper. */
	MARK_SKIP_FIB = 0x01000000,
	/* Source address is to be translated by *tables* for leaving the cluster. */
	MARK_NAT_OUT = 0x02000000,
	/* Source address is to be masqueraded with the node's by *tables*. */
	MARK_MASQ = 0x04000000,
	/* Came in by the service veth pair. */
	MARK_FROM_NAT_IFACE_OUT = 0x08000000,
	/* XDP accepted this packet: skip policy, never conntrack or NAT. */
	MARK_BYPASS_XDP = 0x10000000,
};

/* On the tunnel device BYPASS says that the tunnel key is set: the mask has no bit left for it. */
