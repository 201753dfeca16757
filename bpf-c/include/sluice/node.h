/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What all flows of the node look at: "node", an array with one element.
 */
#pragma once

#include "types.h"

struct node_state {
	__u32 route_epoch; /* grows whenever a local workload comes, goes, moves or changes
			      readiness */
	__u32 rsvd[15];
};
ASSERT_SIZE(struct node_state, 64);
