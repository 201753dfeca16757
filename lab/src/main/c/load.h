// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The load generator: one thread, one epoll, flows in slots.
#ifndef SLUICE_LAB_LOAD_H
#define SLUICE_LAB_LOAD_H

#include "net.h"

#include <stdbool.h>
#include <stdint.h>

struct load_options {
	bool udp;
	const char *target;
	uint16_t port;
	unsigned int rate;	  // new flows a second, each with one request; else:
	unsigned int connections; // flows that stay, each with
	unsigned int interval_ms; // a request as often as this
	uint64_t count;		  // requests after which to stop; 0: no limit
	unsigned int duration_ms; // 0: until a signal, or count
	unsigned int timeout_ms;  // for an answer, connecting included
	const char *source;	  // address to bind to, or NULL
	uint16_t source_port;	  // of the first flow, the others count up; 0: the kernel's choice
	unsigned int size;	  // bytes of a request, which come back and are compared; 0: few
	bool reset;		  // close by RST, not FIN
	bool no_checksum;	  // of datagrams over IPv4
	bool progress;		  // lines on stderr, five a second: attempts answers failures
};

// Runs until done or signalled, and prints the report. Returns the exit code: 0 if every request
// was answered, 1 if not.
int load_run(const struct load_options *options);

#endif
