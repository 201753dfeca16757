/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of the conntrack cleaner (ct_clean.bpf.c) alone. */
#pragma once

#include "maps.h"

MAP_HASH(F(ct_clean), BPF_MAP_TYPE_HASH, struct F(ct_key), struct F(ct_judged), 100000,
	 BPF_F_NO_PREALLOC);
MAP_ARRAY(ct_clean_stats, BPF_MAP_TYPE_ARRAY, struct ct_clean_stats, 1);
