#include "front.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	/* A daemon whose loop hasn't turned for so long is hung, unless it only waits for the processor; it stamps every
	   second (http/alive-stamp.ts). */
	STALE_MS = 2500,
	/* The longest that waiting for the processor is believed. */
	STARVED_MS = 30 * 1000,
	/* Its loop has had the processor for so long in one turn: it spins. */
	SPIN_MS = 1000,
	/* A stamp so much ahead is from before a restart of the machine, or of another's clock. */
	AHEAD_MS = 1000,
	STAMP_BYTES = 96,
};

/* A thread in proc(5): its state, when it started, and its processor time, both in clock ticks. */
struct thread {
	char state;
	unsigned long long start;
	unsigned long long ticks;
};

/* The length of a small file's text, 0 where there is none. */
static size_t read_text(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return 0;
	}
	ssize_t length = read(fd, text, room - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return length > 0 ? (size_t)length : 0;
}

/* `stat` as proc(5) has it. The third field is the first after the name, which may hold anything. */
static bool parse_thread(const char *stat, struct thread *thread)
{
	unsigned long long user;
	unsigned long long system;
	const char *after = strrchr(stat, ')');
	if (!after || sscanf(after + 1,
			" %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %*s %*s %*s %*s %*s %*s %llu", &thread->state,
			&user, &system, &thread->start) != 4) {
		return false;
	}
	thread->ticks = user + system;
	return true;
}

int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* By the stamp's age, the state of the daemon's loop as proc(5) has it (NUL: not known), and how long the loop has had
   the processor since the stamp. */
static enum life life_by(int64_t age_ms, char state, int64_t ran_ms)
{
	if (state != '\0' && strchr("TZX", state)) {
		return LIFE_STALE;
	}
	if (age_ms <= STALE_MS) {
		return LIFE_FRESH;
	}
	bool starves = (state == 'R' || state == 'D') && ran_ms < SPIN_MS && age_ms <= STARVED_MS;
	return starves ? LIFE_FRESH : LIFE_STALE;
}

/* The stamp holds the monotonic clock's milliseconds, so that neither a clock that is set nor a suspended machine
   makes a live daemon look dead; then the daemon's pid, its start and its loop's processor time, all as of proc(5). */
enum life daemon_life(const char *socket)
{
	char path[PATH_MAX + 8];
	char text[STAMP_BYTES + 2];
	char stat_text[1024];
	struct stat found;
	struct thread thread;
	long long stamped;
	long pid;
	unsigned long long start;
	unsigned long long ticks;
	if (stat(socket, &found) != 0 || !S_ISSOCK(found.st_mode)) {
		return LIFE_NONE;
	}
	snprintf(path, sizeof path, "%s.alive", socket);
	size_t length = read_text(path, text, sizeof text);
	if (length == 0 || length > STAMP_BYTES) {
		return LIFE_UNKNOWN;
	}
	int fields = sscanf(text, "%lld %ld %llu %llu", &stamped, &pid, &start, &ticks);
	int64_t age = now_ms() - stamped;
	if (fields < 1 || age < -AHEAD_MS) {
		return LIFE_UNKNOWN;
	}
	if (fields == 4) {
		snprintf(path, sizeof path, "/proc/%ld/task/%ld/stat", pid, pid);
		/* Another's start: this /proc is not the daemon's, or hides it. */
		if (read_text(path, stat_text, sizeof stat_text) > 0 && parse_thread(stat_text, &thread) &&
			thread.start == start) {
			int64_t ran = thread.ticks < ticks ? 0 : (int64_t)(thread.ticks - ticks) * 1000 / sysconf(_SC_CLK_TCK);
			return life_by(age, thread.state, ran);
		}
	}
	return life_by(age, '\0', 0);
}

/* In a pid namespace of pacman's own, as pacstrap makes one, /proc may be that of outside: then its numbers are too. */
pid_t parent_pid(void)
{
	char stat[1024];
	long parent;
	const char *after = read_text("/proc/self/stat", stat, sizeof stat) > 0 ? strrchr(stat, ')') : NULL;
	return after && sscanf(after + 1, " %*c %ld", &parent) == 1 ? (pid_t)parent : getppid();
}

void transaction_of(pid_t parent, char *text, size_t room)
{
	char path[64];
	char stat[1024];
	struct thread pacman;
	text[0] = '\0';
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)parent);
	if (read_text(path, stat, sizeof stat) > 0 && strstr(stat, "(pacman)") && parse_thread(stat, &pacman)) {
		snprintf(text, room, "%ld %llu", (long)parent, pacman.start);
	}
}

int64_t transaction_age_ms(const char *transaction)
{
	unsigned long long start = 0;
	struct timespec now;
	sscanf(transaction, "%*d %llu", &start);
	clock_gettime(CLOCK_BOOTTIME, &now); /* as proc(5) counts */
	int64_t began = (int64_t)(start * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK));
	int64_t age = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - began;
	return age > 0 ? age : 0;
}
