/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * routes4, routes6: longest-prefix match from an address to what lives there.
 */
#pragma once

#include "types.h"

struct route_key4 {
	__u32 prefixlen; /* bits */
	struct addr4 addr;
};

struct route_key6 {
	__u32 prefixlen;
	struct addr6 addr;
};

enum route_flags {
	ROUTE_WORKLOAD = 1 << 0, /* a pod; else a host */
	ROUTE_LOCAL = 1 << 1,	 /* on this node */
	ROUTE_IN_POOL = 1 << 2,	 /* the address belongs to an IP pool */
	ROUTE_NAT_OUTGOING = 1 << 3,
	ROUTE_TUNNELED = 1 << 4, /* by the tunnel, to next_hop */
};

/* Numbers of virtual networks (RFC 7348, 24 bits) that are no overlay's. */
enum tunnel_vni {
	/* Traffic from outside on its way to a backend's node: never the overlay's (ENC-1). */
	TUNNEL_VNI_FORWARD = 0xfffffe,
	/* ... and back again: no flow of this node's; try who had the Maglev slot before. */
	TUNNEL_VNI_BOUNCE = 0xfffffd,
};

struct route4 {
	__u32 flags;	       /* enum route_flags */
	__u32 ifindex;	       /* local workload: its host-side interface */
	struct addr4 next_hop; /* remote, also without overlay: its node's underlay address; 0:
				  none of the cluster's nodes */
};

struct route6 {
	__u32 flags;
	__u32 ifindex;
	struct addr6 next_hop;
};
