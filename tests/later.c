/* The tests on a later day: every clock of a process, and the times of its files, are GED_TEST_DAYS_LATER days ahead.
   `make test-later` compiles this and loads it before the C library (LD_PRELOAD). Clocks that only measure how long
   something takes are left alone, for waits are counted by them. The times of files are those of the disk, which knows of no
   later day: they are moved where they are read, and moved back where a program stores them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define ONCE(name) static __typeof__(&name) real; if (!real) real = REAL(name)

static time_t later(void)
{
    static time_t seconds = -1;
    if (seconds < 0) {
        const char *days = getenv("GED_TEST_DAYS_LATER");
        seconds = days ? atol(days) * 86400 : 0;
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    ONCE(clock_gettime);
    int failed = real(clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += later();
    return failed;
}

int gettimeofday(struct timeval *at, void *zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}

#define SHOWN(failed, found)                                                                                            \
    if (!(failed)) {                                                                                                   \
        (found)->st_atim.tv_sec += later();                                                                            \
        (found)->st_mtim.tv_sec += later();                                                                            \
        (found)->st_ctim.tv_sec += later();                                                                            \
    }                                                                                                                  \
    return failed
#define BY_PATH(name, type)                                                                                            \
    int name(const char *path, struct type *found) { ONCE(name); int failed = real(path, found); SHOWN(failed, found); }
#define BY_FILE(name, type)                                                                                            \
    int name(int file, struct type *found) { ONCE(name); int failed = real(file, found); SHOWN(failed, found); }
#define IN_FOLDER(name, type)                                                                                          \
    int name(int folder, const char *path, struct type *found, int flags)                                              \
    {                                                                                                                  \
        ONCE(name);                                                                                                    \
        int failed = real(folder, path, found, flags);                                                                 \
        SHOWN(failed, found);                                                                                          \
    }
BY_PATH(stat, stat)
BY_PATH(stat64, stat64)
BY_PATH(lstat, stat)
BY_PATH(lstat64, stat64)
BY_FILE(fstat, stat)
BY_FILE(fstat64, stat64)
IN_FOLDER(fstatat, stat)
IN_FOLDER(fstatat64, stat64)

static const struct timespec *stored(const struct timespec given[2], struct timespec kept[2])
{
    if (!given)
        return given;
    for (int one = 0; one < 2; one++) {
        kept[one] = given[one];
        if (given[one].tv_nsec != UTIME_NOW && given[one].tv_nsec != UTIME_OMIT)
            kept[one].tv_sec -= later();
    }
    return kept;
}

int utimensat(int folder, const char *path, const struct timespec given[2], int flags)
{
    struct timespec kept[2];
    ONCE(utimensat);
    return real(folder, path, stored(given, kept), flags);
}

int futimens(int file, const struct timespec given[2])
{
    struct timespec kept[2];
    ONCE(futimens);
    return real(file, stored(given, kept));
}
