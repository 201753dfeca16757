// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// What a load run saw, and how it is printed: one JSON object.
#ifndef SLUICE_LAB_REPORT_H
#define SLUICE_LAB_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MAX_NAMES   1024
#define MAX_NAME    160
#define MAX_CHANGES 100

struct named {
	char name[MAX_NAME];
	uint64_t count;
	uint64_t first_us; // since the start of the run
	uint64_t last_us;
};

struct names {
	struct named entry[MAX_NAMES];
	int used;
};

// A flow whose answers came from one backend, then from another.
struct change {
	uint64_t at_us;
	uint32_t flow;
	int from;
	int to;
};

struct report {
	const char *protocol;
	const char *target;
	uint16_t port;
	uint64_t epoch_ms; // wall clock at the start
	uint64_t duration_us;
	uint64_t attempts;
	uint64_t answers;
	uint64_t failed;
	uint64_t late; // answers to a request already counted as failed
	uint64_t changes;
	struct change change[MAX_CHANGES];
	struct names failures;
	struct names backends;
	struct names sources; // the client's own address, as the backends saw it
	uint32_t *latency_us;
	size_t latencies;
	size_t latency_room;
};

// Counts one more NAME; returns its index, or -1 when the table is full.
int names_count(struct names *names, const char *name, size_t length, uint64_t at_us);
void report_failure(struct report *r, const char *name, uint64_t at_us);
void report_latency(struct report *r, uint64_t us);
void report_print(struct report *r, FILE *out);

#endif
