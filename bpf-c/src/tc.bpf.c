/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The generic sub-programs of one family: docs/design/packet-path.md shows how they hang together.
 */
#include "tc_main.h"
#include "tc_new_flow.h"
#include "tc_allowed.h"
#include "tc_host.h"
#include "tc_outside.h"
#include "tc_maglev.h"
#include "tc_icmp_err.h"
#include "tc_refuse.h"
#include "tc_too_big.h"
#include "tc_tunnel.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
