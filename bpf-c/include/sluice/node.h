/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What all flows of the node look at: "node", an array with one element.
 */
#pragma once

#include "types.h"

struct node_state {
	__u32 route_epoch;    /* grows whenever a local workload comes, goes, moves or changes
				 readiness, or a remote one its way */
	__u32 tunnel_ifindex; /* the VXLAN device; 0: no overlay */
	__u32 tunnel_vni;
	__u32 tunnel_mtu4; /* largest IPv4 packet that fits into the tunnel, bytes; 0: no limit */
	__u32 tunnel_mtu6; /* likewise IPv6 */
	__u32 rsvd[11];
};
ASSERT_SIZE(struct node_state, 64);
