// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "report.h"
#include "net.h"

#include <inttypes.h>

int names_count(struct names *names, const char *name, size_t length, uint64_t at_us)
{
	struct named *e;
	int i;

	if (length >= MAX_NAME)
		length = MAX_NAME - 1;
	for (i = 0; i < names->used; i++) {
		e = &names->entry[i];
		if (!strncmp(e->name, name, length) && !e->name[length])
			break;
	}
	if (i == MAX_NAMES)
		return -1;
	e = &names->entry[i];
	if (i == names->used) {
		names->used++;
		memcpy(e->name, name, length);
		e->first_us = at_us;
	}
	e->count++;
	e->last_us = at_us;
	return i;
}

void report_failure(struct report *r, const char *name, uint64_t at_us)
{
	r->failed++;
	names_count(&r->failures, name, strlen(name), at_us);
}

void report_latency(struct report *r, uint64_t us)
{
	if (r->latencies == r->latency_room) {
		r->latency_room = r->latency_room ? r->latency_room * 2 : 4096;
		r->latency_us = must(realloc(r->latency_us, r->latency_room * sizeof(uint32_t)));
	}
	r->latency_us[r->latencies++] = us > UINT32_MAX ? UINT32_MAX : us;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static uint32_t percentile(const struct report *r, unsigned int thousandth)
{
	return r->latencies ? r->latency_us[(r->latencies - 1) * thousandth / 1000] : 0;
}

static void print_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++)
		fputc(*text == '"' || *text == '\\' || *text < ' ' ? '?' : *text, out);
	fputc('"', out);
}

static void print_names(FILE *out, const char *key, const struct names *names)
{
	fprintf(out, "\"%s\":{", key);
	for (int i = 0; i < names->used; i++) {
		const struct named *e = &names->entry[i];
		fputs(i ? "," : "", out);
		print_text(out, e->name);
		fprintf(out,
			":{\"count\":%" PRIu64 ",\"firstMs\":%" PRIu64 ",\"lastMs\":%" PRIu64 "}",
			e->count, e->first_us / 1000, e->last_us / 1000);
	}
	fputs("},", out);
}

void report_print(struct report *r, FILE *out)
{
	if (r->latencies)
		qsort(r->latency_us, r->latencies, sizeof(uint32_t), compare);
	fprintf(out, "{\"protocol\":\"%s\",\"target\":\"%s\",\"port\":%u,", r->protocol, r->target,
		r->port);
	fprintf(out, "\"startedEpochMs\":%" PRIu64 ",\"durationMs\":%" PRIu64 ",", r->epoch_ms,
		r->duration_us / 1000);
	fprintf(out,
		"\"attempts\":%" PRIu64 ",\"answers\":%" PRIu64 ",\"failed\":%" PRIu64
		",\"late\":%" PRIu64 ",",
		r->attempts, r->answers, r->failed, r->late);
	print_names(out, "failures", &r->failures);
	print_names(out, "backends", &r->backends);
	print_names(out, "sources", &r->sources);
	fprintf(out, "\"latencyUs\":{\"p50\":%u,\"p99\":%u,\"max\":%u},", percentile(r, 500),
		percentile(r, 990), percentile(r, 1000));
	fprintf(out, "\"changes\":%" PRIu64 ",\"firstChanges\":[", r->changes);
	for (uint64_t i = 0; i < r->changes && i < MAX_CHANGES; i++) {
		const struct change *c = &r->change[i];
		fprintf(out, "%s{\"atMs\":%" PRIu64 ",\"flow\":%u,\"from\":", i ? "," : "",
			c->at_us / 1000, c->flow);
		print_text(out, r->backends.entry[c->from].name);
		fputs(",\"to\":", out);
		print_text(out, r->backends.entry[c->to].name);
		fputc('}', out);
	}
	fputs("]}\n", out);
}
