/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Finding an interface's configuration. */
#pragma once

#include "count.h"

/* Configured interfaces only: NULL for what the agent has not set up, or has torn down. */
static __always_inline struct iface *iface_of(__u32 ifindex)
{
	struct iface *iface = ifindex < IFACE_ARRAY_SIZE
				  ? bpf_map_lookup_elem(&ifaces, &ifindex)
				  : bpf_map_lookup_elem(&ifaces_far, &ifindex);

	return iface && iface->flags & IFACE_CONFIGURED ? iface : NULL;
}
