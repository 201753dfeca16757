/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What all flows of the node look at: "node", an array with one element.
 */
#pragma once

#include "types.h"

struct node_state {
	__u32 route_epoch;    /* grows whenever a local workload comes, goes, moves or changes
				 readiness, or a remote one its way */
	__u32 tunnel_ifindex; /* the VXLAN device, also where there is no overlay; 0: not there */
	__u32 tunnel_vni;     /* the overlay's; 0: no overlay */
	__u32 tunnel_mtu4;  /* largest IPv4 packet that fits into the tunnel, bytes; 0: no limit */
	__u32 tunnel_mtu6;  /* likewise IPv6 */
	struct addr4 addr4; /* this node's own address in the underlay; 0: none */
	struct addr6 addr6;
	__u32 rsvd[6];
};
ASSERT_SIZE(struct node_state, 64);
