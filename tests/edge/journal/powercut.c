/* Writes down, in order, every change to files below a folder, and every force onto the disk.
 *
 * To be preloaded: POWERCUT_ROOT is the folder, POWERCUT_LOG the file that the record is appended to. A line
 * is an operation, its inode and its figures or names; the bytes of a write follow its line. tests/edge/
 * powercut.py reads it, and says what a disk holds whose power goes at any of these moments.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        abort();
    }
    return found;
}

static int is_below(const char *path)
{
    const char *root = getenv("POWERCUT_ROOT");
    size_t length = root == NULL ? 0 : strlen(root);
    return length > 0 && strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static int is_watched(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) {
        return 0;
    }
    path[length] = '\0';
    return is_below(path);
}

/* One write, so that what several threads say is never mixed. */
static void note(const char *line, const void *data, size_t length)
{
    int before = errno;
    int log = REAL(open)(getenv("POWERCUT_LOG"), O_WRONLY | O_APPEND | O_CLOEXEC);
    struct iovec parts[2] = {{(void *)line, strlen(line)}, {(void *)data, length}};
    if (log < 0 || REAL(writev)(log, parts, length > 0 ? 2 : 1) < 0) {
        abort();
    }
    close(log);
    errno = before;
}

static unsigned long inode_of(int fd)
{
    struct stat found;
    return fstat(fd, &found) == 0 ? (unsigned long)found.st_ino : 0;
}

static void note_fd(char what, int fd, long long figure, const void *data, size_t length)
{
    char line[128];
    snprintf(line, sizeof line, "%c %lu %lld %zu\n", what, inode_of(fd), figure, length);
    note(line, data, length);
}

static void note_names(char what, const char *one, const char *other)
{
    char line[2 * PATH_MAX + 8];
    struct stat found = {0};
    lstat(other[0] != '\0' ? other : one, &found);
    snprintf(line, sizeof line, "%c %lu %s\t%s\n", what, (unsigned long)found.st_ino, one, other);
    note(line, NULL, 0);
}

static void opened(int fd, const char *path, int flags, int was_there)
{
    if (fd < 0 || !is_below(path)) {
        return;
    }
    if (!was_there) {
        note_names('C', path, "");
    } else if (flags & O_TRUNC) {
        note_fd('T', fd, 0, NULL, 0);
    }
}

#define OPEN(name)                                              \
    int name(const char *path, int flags, ...)                  \
    {                                                           \
        va_list more;                                           \
        va_start(more, flags);                                  \
        mode_t mode = va_arg(more, mode_t);                     \
        va_end(more);                                           \
        int was_there = access(path, F_OK) == 0;                \
        int fd = REAL(name)(path, flags, mode);                 \
        opened(fd, path, flags, was_there);                     \
        return fd;                                              \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                            \
    int name(int folder, const char *path, int flags, ...)      \
    {                                                           \
        va_list more;                                           \
        va_start(more, flags);                                  \
        mode_t mode = va_arg(more, mode_t);                     \
        va_end(more);                                           \
        int was_there = faccessat(folder, path, F_OK, 0) == 0;  \
        int fd = REAL(name)(folder, path, flags, mode);         \
        opened(fd, path, flags, was_there);                     \
        return fd;                                              \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t length)
{
    int watched = is_watched(fd);
    off_t at = watched ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t written = REAL(write)(fd, data, length);
    if (watched && written > 0) {
        note_fd('W', fd, at, data, (size_t)written);
    }
    return written;
}

#define PWRITE(name, offset)                                                \
    ssize_t name(int fd, const void *data, size_t length, offset at)        \
    {                                                                       \
        ssize_t written = REAL(name)(fd, data, length, at);                 \
        if (written > 0 && is_watched(fd)) {                                \
            note_fd('W', fd, at, data, (size_t)written);                    \
        }                                                                   \
        return written;                                                     \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

/* The kernel copies past write: what it copied is read again from its source. */
static void note_copied(int to, off_t at, int from, off_t first, size_t length)
{
    char *data = malloc(length);
    if (data == NULL || pread(from, data, length, first) != (ssize_t)length) {
        abort();
    }
    note_fd('W', to, at, data, length);
    free(data);
}

#define SENDFILE(name, offset)                                                  \
    ssize_t name(int to, int from, offset *first, size_t count)                 \
    {                                                                           \
        int watched = is_watched(to);                                           \
        off_t at = watched ? lseek(to, 0, SEEK_CUR) : 0;                        \
        off_t begin = first != NULL ? (off_t)*first : lseek(from, 0, SEEK_CUR); \
        ssize_t sent = REAL(name)(to, from, first, count);                      \
        if (watched && sent > 0) {                                              \
            note_copied(to, at, from, begin, (size_t)sent);                     \
        }                                                                       \
        return sent;                                                            \
    }
SENDFILE(sendfile, off_t)
SENDFILE(sendfile64, off64_t)

#define TRUNCATE(name, offset)                                              \
    int name(int fd, offset size)                                           \
    {                                                                       \
        int status = REAL(name)(fd, size);                                  \
        if (status == 0 && is_watched(fd)) {                                \
            note_fd('T', fd, size, NULL, 0);                                \
        }                                                                   \
        return status;                                                      \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define SYNC(name)                                                          \
    int name(int fd)                                                        \
    {                                                                       \
        int status = REAL(name)(fd);                                        \
        if (status == 0 && is_watched(fd)) {                                \
            note_fd('S', fd, 0, NULL, 0);                                   \
        }                                                                   \
        return status;                                                      \
    }
SYNC(fsync)
SYNC(fdatasync)

static int named(int status, char what, const char *one, const char *other)
{
    if (status == 0 && (is_below(one) || is_below(other))) {
        note_names(what, one, other);
    }
    return status;
}

int rename(const char *old, const char *new)
{
    return named(REAL(rename)(old, new), 'R', old, new);
}

int renameat(int from, const char *old, int to, const char *new)
{
    return named(REAL(renameat)(from, old, to, new), 'R', old, new);
}

int link(const char *old, const char *new)
{
    return named(REAL(link)(old, new), 'L', old, new);
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    return named(REAL(linkat)(from, old, to, new, flags), 'L', old, new);
}

int unlink(const char *path)
{
    return named(REAL(unlink)(path), 'U', path, "");
}

int unlinkat(int folder, const char *path, int flags)
{
    return named(REAL(unlinkat)(folder, path, flags), 'U', path, "");
}

int mkdir(const char *path, mode_t mode)
{
    return named(REAL(mkdir)(path, mode), 'M', path, "");
}

int rmdir(const char *path)
{
    return named(REAL(rmdir)(path), 'U', path, "");
}
