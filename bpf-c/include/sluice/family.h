/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One source, two families: a program's source is compiled once with SLUICE_FAMILY=4 and once with
 * SLUICE_FAMILY=6, and names the types, maps and functions of its family through this header.
 */
#pragma once

#ifndef SLUICE_FAMILY
#error "SLUICE_FAMILY must be 4 or 6"
#endif

#define SLUICE_PASTE_(name, family) name##family
#define SLUICE_PASTE(name, family)  SLUICE_PASTE_(name, family)

/* The family's own variant of a name: F(ct) is ct4 or ct6. */
#define F(name) SLUICE_PASTE(name, SLUICE_FAMILY)

/* Words of 32 bits in an address. */
#define ADDR_WORDS (SLUICE_FAMILY == 4 ? 1 : 4)
