/* A disk that forgets at a power cut what no program told it to keep (LD_PRELOAD).
 *
 * Each fsync or fdatasync of a file below UNSYNCED_ROOT copies its content to UNSYNCED_KEPT/f/INODE; of a folder, the
 * list of its names ("INODE MODE NAME\0") to UNSYNCED_KEPT/d/INODE. The writes themselves go to the real file, so programs see no difference.
 * tests/power_kit.py kills the programs and puts back what was kept. POSIX promises no more: a name is safe when its
 * folder was synced, a content when its file was.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_below_root(int fd, char *own, size_t size) {
    const char *root = getenv("UNSYNCED_ROOT");
    char path[PATH_MAX];
    if (!root || !getenv("UNSYNCED_KEPT")) return 0;
    snprintf(own, size, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(own, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    size_t of_root = strlen(root);
    return !strncmp(path, root, of_root) && (path[of_root] == '/' || path[of_root] == 0);
}

/* The names under which a copy is made and then kept. A thread has its own: two may sync one file at a time. */
static void names(char kind, ino_t inode, char *making, char *made) {
    const char *kept = getenv("UNSYNCED_KEPT");
    snprintf(made, PATH_MAX, "%s/%c/%lu", kept, kind, (unsigned long)inode);
    snprintf(making, PATH_MAX, "%s.%ld", made, (long)syscall(SYS_gettid));
}

static int keep_file(const char *own, ino_t inode) {
    char making[PATH_MAX + 32], made[PATH_MAX], block[1 << 16];
    names('f', inode, making, made);
    int from = open(own, O_RDONLY | O_CLOEXEC);
    int to = open(making, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t length = -1;
    if (from >= 0 && to >= 0)
        while ((length = read(from, block, sizeof block)) > 0)
            if (write(to, block, length) != length) {
                length = -1;
                break;
            }
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    return length == 0 ? rename(making, made) : -1;
}

static int keep_folder(const char *own, ino_t inode) {
    char making[PATH_MAX + 32], made[PATH_MAX];
    names('d', inode, making, made);
    DIR *folder = opendir(own);
    FILE *list = fopen(making, "we");
    struct dirent *entry;
    struct stat found;
    if (folder && list)
        while ((entry = readdir(folder)))
            if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
                !fstatat(dirfd(folder), entry->d_name, &found, AT_SYMLINK_NOFOLLOW))
                fprintf(list, "%lu %o %s%c", (unsigned long)found.st_ino, found.st_mode, entry->d_name, 0);
    int is_whole = folder && list;
    if (folder) closedir(folder);
    if (list && fclose(list)) is_whole = 0;
    return is_whole ? rename(making, made) : -1;
}

static int keep(int fd) {
    char own[64];
    struct stat found;
    int before = errno, done = 0;
    if (is_below_root(fd, own, sizeof own) && !fstat(fd, &found))
        done = S_ISREG(found.st_mode) ? keep_file(own, found.st_ino) : S_ISDIR(found.st_mode) ? keep_folder(own, found.st_ino) : 0;
    if (done) {
        errno = EIO; /* the harness failed: no program may believe that its data are safe */
        return -1;
    }
    errno = before;
    return 0;
}

int fsync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    return real(fd) ? -1 : keep(fd);
}

int fdatasync(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    return real(fd) ? -1 : keep(fd);
}
