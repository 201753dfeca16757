/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* PROG_HOST: what PROG_MAIN is to pods, for host interfaces and loopback. */
#pragma once

#include "tc_main.h"

SEC("tc")
int prog_host(struct __sk_buff *skb)
{
	return pass(skb, PROG_HOST, REASON_STACK);
}
