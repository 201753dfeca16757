/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#pragma once

#include "tc_main.h"

SEC("tc")
int prog_outside(struct __sk_buff *skb)
{
	return drop(skb, PROG_OUTSIDE, REASON_NO_PROGRAM);
}
