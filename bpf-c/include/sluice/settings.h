/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Settings: read-only data, written by the loader before load. The verifier sees constants and
 * removes what is off, so a variant costs nothing that it does not use.
 */
#pragma once

#include "types.h"

struct settings {
	__u32 hook;	     /* enum sluice_hook that the program is loaded for */
	__u32 debug;	     /* 1: the debug variant: writes events, calls debug variants */
	__u32 hz;	     /* jiffies in a second */
	__u32 redirect_peer; /* 1: established flows take redirect_peer (BPFRedirectToPeer) */
	__u32 kern_ctx;	     /* 1: the kernel has bpf_cast_to_kern_ctx: checksums in registers */
	__u32 psnat_first;   /* BPFPSNATPorts, host order, both included */
	__u32 psnat_last;
	__u32 dsr; /* 1: BPFExternalServiceMode DSR */
	__u32
	    vxlan_port; /* UDP port of the tunnel, host order: its outer packets are not tracked */
	__u32 rsvd;
};
ASSERT_SIZE(struct settings, 40);
