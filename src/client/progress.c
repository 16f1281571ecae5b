#include "front.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* As pacman draws it (its callback.c, draw_pacman_progress_bar). Below NARROW its line would wrap: only name, size and percent
   are shown. */
enum { NARROW = 60, LEAST_INFO = 50, UNKNOWN_SECONDS = 360000 };

static const char *scale(double *value)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	while (*value > 2048 && unit < sizeof units / sizeof *units - 1) {
		*value /= 1024;
		unit++;
	}
	return units[unit];
}

/* As base/progress.ts writes a size. */
void size_text(char *to, size_t room, uint64_t size)
{
	double amount = (double)size;
	const char *unit = scale(&amount);
	snprintf(to, room, "%.*f %s", unit[0] == 'B' ? 0 : 1, amount, unit);
}

/* Without the endings that pacman doesn't show. */
static int label_length(const char *name, size_t most)
{
	static const char *const endings[] = { ".db", ".files" };
	const char *packed = strstr(name, ".pkg.tar");
	size_t length = packed ? (size_t)(packed - name) : strlen(name);
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		size_t size = strlen(endings[i]);
		if (length > size && strcmp(name + length - size, endings[i]) == 0) {
			length -= size;
		}
	}
	return (int)(length < most ? length : most);
}

/* The label in `width` letters. */
static void fit(char *to, size_t room, const char *name, int width)
{
	int length = label_length(name, room);
	if (length <= width) {
		snprintf(to, room, "%-*.*s", width, length, name);
	} else if (width > 6) {
		snprintf(to, room, "%.*s...", width - 3, name);
	} else {
		snprintf(to, room, "%.*s", width > 0 ? width : 0, name);
	}
}

static void draw_bar(char *to, size_t room, int percent, int width)
{
	char cells[COLUMNS_MOST] = "";
	int length = width - 8;
	for (int i = 0; i < length && i < COLUMNS_MOST - 1; i++) {
		cells[i] = i < percent * length / 100 ? '#' : '-';
		cells[i + 1] = '\0';
	}
	if (width <= 5) {
		to[0] = '\0';
	} else if (length > 0) {
		snprintf(to, room, " [%s] %3d%%", cells, percent);
	} else {
		snprintf(to, room, " %3d%%", percent);
	}
}

void progress_line(char *to, const struct progress *progress, unsigned columns)
{
	char label[COLUMNS_MOST];
	char bar[COLUMNS_MOST + 16];
	char line[3 * COLUMNS_MOST];
	char clock[16] = "--:--";
	double done = (double)progress->done;
	double size = (double)progress->size;
	double amount = done;
	int width = columns < COLUMNS_MOST ? (int)columns : COLUMNS_MOST - 1;
	int percent = progress->size > 0 ? (int)(done * 100 / size) : 100;
	const char *unit = scale(&amount);
	if (width < NARROW) {
		fit(label, sizeof label, progress->name, width - 19);
		snprintf(line, sizeof line, " %s %6.1f %3s %3d%%", label, amount, unit, percent);
	} else {
		int info = width * 6 / 10 > LEAST_INFO ? width * 6 / 10 : LEAST_INFO;
		double rate = progress->elapsed_ms > 0 ? done * 1000 / (double)progress->elapsed_ms : 0;
		double left = rate > 0 ? (size - done) / rate : UNKNOWN_SECONDS;
		double seconds = done >= size ? (double)progress->elapsed_ms / 1000 : left;
		const char *rate_unit = scale(&rate);
		int digits = rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0;
		if (seconds < 6000) {
			snprintf(clock, sizeof clock, "%02d:%02d", (int)seconds / 60, (int)seconds % 60);
		}
		fit(label, sizeof label, progress->name, info - 30);
		draw_bar(bar, sizeof bar, percent, width - info);
		snprintf(line, sizeof line, " %s %6.1f %3s  %4.*f %3s/s %s%s", label, amount, unit, digits, rate, rate_unit, clock,
			bar);
	}
	snprintf(to, COLUMNS_MOST, "%.*s", width, line);
}

void progress_draw(const struct progress *progress, unsigned columns, const char *ending)
{
	char line[COLUMNS_MOST];
	progress_line(line, progress, columns);
	say(STDOUT_FILENO, "", line, strlen(line), ending);
}
