// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Datagrams of a size, segmented by the kernel or not, with a TTL, one send after the other; what
// arrived of each, byte by byte, and what the network said instead.
#ifndef SLUICE_LAB_PROBE_H
#define SLUICE_LAB_PROBE_H

#include "net.h"

struct probe_options {
	const char *target;
	uint16_t port;
	const char *source; // address to bind to, or NULL
	uint16_t source_port;
	unsigned int size;	 // bytes of a send
	unsigned int segment;	 // the kernel makes datagrams of so many bytes of it; 0: it is one
	unsigned int give;	 // instead: asks for an answer of so many bytes
	unsigned int count;	 // sends
	unsigned int ttl;	 // or hop limit; 0: the kernel's choice
	unsigned int timeout_ms; // for all that answers one send
	bool fragment;		 // lets the kernel fragment; else packets say "don't"
};

// Prints the report. Returns the exit code: 0 if all arrived as it was sent, 1 if not.
int probe_run(const struct probe_options *options);

#endif
