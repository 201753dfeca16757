// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define _GNU_SOURCE
#include "load.h"
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FLOWS     16384
#define MAX_FILES     65536
#define SWEEP_US      10000
#define PROGRESS_US   200000
#define EVENTS_A_TURN 256
#define MAX_REQUEST   32000
#define MAX_ANSWER    32768

enum state { FREE, CONNECTING, WAITING, IDLE, DEAD };

struct flow {
	enum state state;
	int fd;
	uint32_t number;      // of all flows of the run
	uint32_t request;     // number of the last request
	uint64_t started_us;  // of the request at hand (with its connect)
	uint64_t due_us;      // next request of a flow that stays
	uint64_t outstanding; // requests without answer; several with UDP only
	int backend;	      // that answered last, or -1
	struct buffer in;
};

static struct load_options options;
static union endpoint target;
static struct report report;
static struct flow *flows;
static unsigned int *free_slots;
static unsigned int free_count;
static unsigned int slots; // that were ever used
static uint32_t flows_begun;
static int poller;
static uint64_t start_us;
static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
	signalled = number;
}

static uint64_t clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static uint64_t now_us(void)
{
	return clock_us() - start_us;
}

static bool one_shot(void)
{
	return options.rate != 0;
}

static bool finished_sending(uint64_t now)
{
	return signalled || (options.count && report.attempts >= options.count) ||
	       (options.duration_ms && now >= options.duration_ms * 1000ull);
}

static void flow_end(struct flow *f, bool abort)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (f->fd >= 0) {
		if (abort && !options.udp)
			setsockopt(f->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(f->fd);
	}
	f->fd = -1;
	f->in.used = 0;
	f->state = one_shot() ? FREE : DEAD;
	if (f->state == FREE)
		free_slots[free_count++] = f - flows;
}

// A request failed. What the network says about a datagram is no reason to end its flow.
static void flow_failed(struct flow *f, const char *why)
{
	report_failure(&report, why, now_us());
	f->outstanding = 0;
	if (options.udp && !one_shot())
		f->state = IDLE;
	else
		flow_end(f, true);
}

static void flow_errno(struct flow *f, int error)
{
	const char *name = strerrorname_np(error);
	flow_failed(f, name ? name : "EUNKNOWN");
}

static void wait_for(struct flow *f, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = f - flows};
	epoll_ctl(poller, EPOLL_CTL_MOD, f->fd, &event);
}

// Seeds of the pattern: no two requests of a run have the same, nor do neighbours look alike.
static uint32_t seed(const struct flow *f, uint32_t request)
{
	return f->number * 65536 + request;
}

// Pads a line of LENGTH bytes, its end included, to the size that is asked for.
static int fill(const struct flow *f, char *line, int length)
{
	int size = options.size;

	if (size <= length)
		return length;
	line[length - 1] = ' ';
	for (int i = length; i < size - 1; i++)
		line[i] = pattern(seed(f, f->request), i);
	line[size - 1] = '\n';
	return size;
}

// Whether TEXT, which begins where the line did that was sent, is what was sent.
static bool came_back(const struct flow *f, const char *text, uint32_t request, int head)
{
	int size = options.size, length = strcspn(text, "\n");

	if (size <= head + 1)
		return true;
	if (length != size - 1)
		return false;
	for (int i = head + 1; i < length; i++)
		if (text[i] != pattern(seed(f, request), i))
			return false;
	return true;
}

static void flow_ask(struct flow *f)
{
	char line[MAX_REQUEST + 64];
	uint64_t now = now_us();

	// The time goes along and comes back: nothing need be kept for a datagram that is lost.
	f->request++;
	int n = snprintf(line, sizeof(line), "q %u %" PRIu64 "\n", f->request, now);
	n = fill(f, line, n);
	f->state = WAITING;
	f->outstanding++;
	f->started_us = now;
	if (send(f->fd, line, n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
		flow_errno(f, errno);
}

static int flow_bind(int fd, unsigned int slot)
{
	union endpoint from;
	int on = 1;
	uint16_t port = options.source_port;

	if (!options.source && !port)
		return 0;
	if (port && !one_shot())
		port += slot;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	const char *any = target.any.sa_family == AF_INET ? "0.0.0.0" : "::";
	endpoint_parse(&from, options.source ? options.source : any, port);
	return bind(fd, &from.any, endpoint_length(&from));
}

static void flow_begin(struct flow *f)
{
	int type = (options.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = f - flows};
	int on = 1;

	f->number = flows_begun++;
	f->backend = -1;
	f->request = 0;
	f->outstanding = 0;
	f->started_us = now_us();
	report.attempts++;
	f->fd = socket(target.any.sa_family, type, 0);
	if (f->fd < 0 || flow_bind(f->fd, f - flows) < 0) {
		flow_errno(f, errno);
		return;
	}
	if (options.udp && options.no_checksum)
		setsockopt(f->fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
	int failed = connect(f->fd, &target.any, endpoint_length(&target));
	if (failed && errno != EINPROGRESS) {
		flow_errno(f, errno);
		return;
	}
	f->state = failed ? CONNECTING : IDLE;
	event.events = failed ? EPOLLOUT : EPOLLIN;
	if (epoll_ctl(poller, EPOLL_CTL_ADD, f->fd, &event))
		flow_errno(f, errno);
	else if (!failed)
		flow_ask(f);
}

static void note_backend(struct flow *f, const char *name, size_t length, uint64_t now)
{
	int backend = names_count(&report.backends, name, length, now);

	if (f->backend >= 0 && backend >= 0 && f->backend != backend) {
		if (report.changes < MAX_CHANGES)
			report.change[report.changes] = (struct change){
			    .at_us = now, .flow = f->number, .from = f->backend, .to = backend};
		report.changes++;
	}
	f->backend = backend;
}

// LINE is "NAME CLIENT q REQUEST SENT".
static void flow_answered(struct flow *f, char *line)
{
	char *client = strchr(line, ' ');
	char *question = client ? strchr(client + 1, ' ') : NULL;
	uint64_t now = now_us(), sent;
	uint32_t request;
	int head = 0;

	if (!question || sscanf(question, " q %u %" SCNu64 "%n", &request, &sent, &head) != 2 ||
	    sent > now || request > f->request || !came_back(f, question + 1, request, head - 1)) {
		flow_failed(f, "GARBLED");
		return;
	}
	if (!f->outstanding || (!options.udp && request != f->request)) {
		report.late++;
		return;
	}
	char *port = memrchr(client, ':', question - client);
	note_backend(f, line, client - line, now);
	names_count(&report.sources, client + 1, (port ? port : question) - client - 1, now);
	report.answers++;
	// A flow over TCP or of one request counts its connect as well.
	report_latency(&report, now - (one_shot() ? f->started_us : sent));
	f->outstanding--;
	if (one_shot())
		flow_end(f, options.reset);
	else
		f->state = IDLE;
}

static void flow_readable(struct flow *f)
{
	char chunk[MAX_ANSWER];
	ssize_t n = recv(f->fd, chunk, sizeof(chunk) - 1, MSG_DONTWAIT);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			flow_errno(f, errno);
	} else if (options.udp) {
		chunk[n] = 0;
		flow_answered(f, chunk);
	} else if (n == 0) {
		flow_failed(f, "CLOSED");
	} else {
		buffer_append(&f->in, chunk, n);
		char *end;
		while (f->in.used && (end = memchr(f->in.data, '\n', f->in.used))) {
			size_t length = end - f->in.data + 1;
			*end = 0;
			memcpy(chunk, f->in.data, length < MAX_ANSWER ? length : MAX_ANSWER);
			chunk[MAX_ANSWER - 1] = 0;
			buffer_consume(&f->in, length);
			flow_answered(f, chunk);
		}
		if (f->in.used >= MAX_ANSWER)
			flow_failed(f, "GARBLED");
	}
}

static void flow_event(struct flow *f, uint32_t events)
{
	if (f->fd < 0)
		return;
	if (f->state == CONNECTING) {
		int error = 0;
		socklen_t length = sizeof(error);
		getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &length);
		if (error) {
			flow_errno(f, error);
		} else if (events & EPOLLOUT) {
			wait_for(f, EPOLLIN);
			flow_ask(f);
		}
		return;
	}
	flow_readable(f);
}

// Begins what the rate, or the intervals, make due by NOW.
static void begin_due(uint64_t now)
{
	if (one_shot()) {
		uint64_t wanted = now * options.rate / 1000000 + 1;
		while (flows_begun < wanted && !finished_sending(now)) {
			if (free_count) {
				flow_begin(&flows[free_slots[--free_count]]);
			} else if (slots < MAX_FLOWS) {
				flow_begin(&flows[slots++]);
			} else {
				flows_begun++;
				report.attempts++;
				report_failure(&report, "NO_SLOT", now);
			}
		}
		return;
	}
	for (unsigned int i = 0; i < options.connections; i++) {
		struct flow *f = &flows[i];
		if (f->due_us > now || finished_sending(now))
			continue;
		if (f->state == FREE) {
			slots = i + 1 > slots ? i + 1 : slots;
			flow_begin(f);
		} else if (f->state == IDLE || (f->state == WAITING && options.udp)) {
			report.attempts++;
			flow_ask(f);
		} else {
			continue;
		}
		f->due_us += options.interval_ms * 1000ull;
		if (f->due_us < now) // fell behind: carry on from here, no burst
			f->due_us = now;
	}
}

static void sweep(uint64_t now)
{
	for (unsigned int i = 0; i < slots; i++) {
		struct flow *f = &flows[i];
		bool waits = f->state == CONNECTING || f->state == WAITING;
		// A datagram flow that stays is never late: what is lost is counted at the end.
		if (waits && !(options.udp && !one_shot()) &&
		    now >= f->started_us + options.timeout_ms * 1000ull)
			flow_failed(f, f->state == CONNECTING ? "CONNECT_TIMEOUT" : "TIMEOUT");
	}
}

static bool anything_waits(void)
{
	for (unsigned int i = 0; i < slots; i++)
		// A datagram flow is idle as soon as one of several requests is answered.
		if (flows[i].state == CONNECTING || flows[i].outstanding)
			return true;
	return false;
}

static bool anything_lives(void)
{
	for (unsigned int i = 0; i < options.connections; i++)
		if (flows[i].state != DEAD)
			return true;
	return one_shot();
}

static void loop(void)
{
	uint64_t swept = 0, told = 0, sent_all = 0;

	for (;;) {
		struct epoll_event events[EVENTS_A_TURN];
		uint64_t now = now_us();
		if (finished_sending(now) || !anything_lives()) {
			sent_all = sent_all ? sent_all : now;
			if (!anything_waits() || now - sent_all >= options.timeout_ms * 1000ull)
				break;
		} else {
			begin_due(now);
		}
		if (now - swept >= SWEEP_US) {
			sweep(now);
			swept = now;
		}
		if (options.progress && now - told >= PROGRESS_US) {
			fprintf(stderr, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", report.attempts,
				report.answers, report.failed);
			told = now;
		}
		int n = epoll_wait(poller, events, EVENTS_A_TURN, 1);
		for (int i = 0; i < n; i++)
			flow_event(&flows[events[i].data.u32], events[i].events);
	}
	sweep(UINT64_MAX / 2);
}

int load_run(const struct load_options *given)
{
	struct rlimit files = {.rlim_cur = MAX_FILES, .rlim_max = MAX_FILES};
	struct sigaction action = {.sa_handler = on_signal};
	struct timespec wall;

	options = *given;
	if (options.connections > MAX_FLOWS)
		options.connections = MAX_FLOWS;
	endpoint_parse(&target, options.target, options.port);
	setrlimit(RLIMIT_NOFILE, &files); // without privilege: whatever the limit is
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	flows = must(calloc(MAX_FLOWS, sizeof(*flows)));
	free_slots = must(calloc(MAX_FLOWS, sizeof(*free_slots)));
	for (unsigned int i = 0; i < MAX_FLOWS; i++)
		flows[i].fd = -1;
	// Flows that stay begin one after the other within the first interval.
	for (unsigned int i = 0; i < options.connections; i++)
		flows[i].due_us = options.interval_ms * 1000ull * i / options.connections;
	poller = epoll_create1(EPOLL_CLOEXEC);
	clock_gettime(CLOCK_REALTIME, &wall);
	start_us = clock_us();
	report.protocol = options.udp ? "udp" : "tcp";
	report.target = options.target;
	report.port = options.port;
	report.epoch_ms = wall.tv_sec * 1000ull + wall.tv_nsec / 1000000;
	loop();
	report.duration_us = now_us();
	// Nobody said anything about these.
	for (uint64_t i = report.answers + report.failed; i < report.attempts; i++)
		report_failure(&report, "LOST", report.duration_us);
	report_print(&report, stdout);
	return report.failed ? 1 : 0;
}
