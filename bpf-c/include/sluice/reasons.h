/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What became of a packet, and why: the index of counters, and part of events.
 *
 * A packet counts once under the reason that ended its way through a hook. Names are shown to
 * users as they are, lower case and without the prefix: append, do not renumber.
 */
#pragma once

#include "types.h"

enum sluice_reason {
	/* Passed on. */
	REASON_UNUSED = 0,	  /* never counted: a zeroed record says nothing */
	REASON_PEER = 1,	  /* established; straight into the pod, by redirect_peer */
	REASON_REDIRECT = 2,	  /* to a local pod by way of its own program */
	REASON_STACK = 3,	  /* left to the host stack, which routes it */
	REASON_TO_POD = 4,	  /* host-egress: delivered to the pod */
	REASON_NOT_READY = 5,	  /* left to the host stack: the pod's interface is not ready */
	REASON_NOT_TRACKED = 6,	  /* ARP, neighbour discovery, multicast listener reports */
	REASON_FALLTHROUGH = 7,	  /* TCP in mid-flow, unknown: *tables* decide */
	REASON_BYPASS = 8,	  /* marked as approved */
	REASON_ICMP_ERROR = 9,	  /* an ICMP error about a known flow, delivered to its owner */
	REASON_REFUSED_RST = 10,  /* answered by TCP RST: no backend */
	REASON_REFUSED_ICMP = 11, /* answered by ICMP port unreachable: no backend */
	REASON_TTL = 12,	  /* TTL or hop limit at its end: left to the stack to answer */
	REASON_TUNNEL = 13,	  /* encapsulated, to the node where the other side lives */
	REASON_TOO_BIG = 14,	  /* answered by ICMP: too big for the tunnel or a pod's link */
	REASON_HOST = 15,	  /* from the tunnel, for the host itself */
	REASON_FORWARD = 16,	  /* encapsulated, to the node of a backend, or from there back */
	REASON_OUT = 17,	  /* out by a host interface, by the FIB */
	REASON_LOOPBACK = 18,	  /* to the host itself by loopback */
	REASON_BOUNCE = 19,	  /* back to the node it came from: another may know the flow */
	REASON_TTL_ANSWER = 20,	  /* TTL or hop limit at its end: answered by ICMP */
	/* Dropped. */
	REASON_FIRST_DROP = 32,
	REASON_MALFORMED = 32,	   /* a header that does not parse, or is cut off */
	REASON_NOT_IP = 33,	   /* neither ARP nor IP from a workload */
	REASON_FRAGMENT = 34,	   /* a fragment: not supported yet */
	REASON_RPF = 35,	   /* a workload sent with an address not its own */
	REASON_POLICY = 36,	   /* policy denied */
	REASON_NO_POLICY = 37,	   /* no policy program in the endpoint's slot: fail closed */
	REASON_NO_PROGRAM = 38,	   /* a sub-program is missing */
	REASON_NO_IFACE = 39,	   /* an interface that the agent has not configured */
	REASON_CT_FULL = 40,	   /* conntrack takes no further entry */
	REASON_CT_CONFLICT = 41,   /* no free source port for a flow that collides after DNAT */
	REASON_BACKEND_GONE = 42,  /* a service's backends changed faster than they could be read */
	REASON_MIDFLOW = 43,	   /* mid-flow, unknown, to a service that tells no backend */
	REASON_ICMP_UNKNOWN = 44,  /* an ICMP error about no flow that is known */
	REASON_EXT_HEADERS = 45,   /* more IPv6 extension headers than are looked at */
	REASON_REWRITE = 46,	   /* the kernel refused a write to the packet */
	REASON_WORKLOAD_GONE = 47, /* the flow's workload is no longer on this node */
	REASON_TUNNEL_SOURCE = 48, /* from the tunnel, by a node that its source does not live on */
	REASON_NO_TUNNEL_ROUTE = 49,  /* to the tunnel, but no node has the address */
	REASON_NO_LOCAL_BACKEND = 50, /* a service that takes local backends only, and has none */
	REASON_SOURCE_RANGE = 51,     /* not in the service's loadBalancerSourceRanges */
	REASON_HOST_RPF = 52,  /* from outside, with a source that is not routed back there */
	REASON_PRE_DNAT = 53,  /* a preDNAT policy denied */
	REASON_TO_HOST = 54,   /* a workload to its node: policy, or defaultEndpointToHostAction */
	REASON_UNTRACKED = 55, /* a policy with doNotTrack denied, in XDP */
	REASON_PACKET_RATE = 56, /* more packets than the endpoint's limit */
	REASON_CONNECTIONS = 57, /* more connections than the endpoint's limit: answered by RST */
	REASON_BANDWIDTH = 58,	 /* more bytes than the endpoint's limit */
	REASON_COUNT = 64,
};

/* counters: per-CPU array, index hook * REASON_COUNT + reason. */
struct counter {
	__u64 packets;
	__u64 bytes;
};
