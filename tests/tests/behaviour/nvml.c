/* What ctrd asks of NVIDIA's management library, answered for a card that is not there (nvml.h has the
 * structures). What it answers, and whether it does, is in /run/nvml. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { unsigned pid; unsigned long long used; unsigned gi, ci; } process;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory;
typedef struct { unsigned gpu, memory; } utilisation;
typedef struct { unsigned pid; unsigned long long at; unsigned sm, mem, enc, dec; } sample;

static unsigned pid(void) {
    unsigned pid = 0;
    FILE *file = fopen("/run/nvml/pid", "r");
    if (file) { if (fscanf(file, "%u", &pid) != 1) pid = 0; fclose(file); }
    return pid;
}
int nvmlInitWithFlags(unsigned flags) {
    if (access("/run/nvml/crashes", F_OK) == 0) abort();
    if (access("/run/nvml/hangs", F_OK) == 0) for (;;) pause();
    return flags == 2 ? 0 : 999;
}
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *to, unsigned length) { strncpy(to, "570.133.07", length); return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **device) {
    static int one; *device = &one;
    return strcmp(id, "0000:01:00.0") == 0 ? 0 : 6;
}
int nvmlDeviceGetMemoryInfo_v2(void *d, memory *m) {
    m->total = 6ULL << 30; m->used = 3ULL << 30; m->free = m->total - m->used; m->reserved = 0; return 0;
}
int nvmlDeviceGetUtilizationRates(void *d, utilisation *u) { u->gpu = 42; u->memory = 1; return 0; }
static int list(unsigned *count, process *to, unsigned long long used) {
    unsigned room = *count, id = pid();
    *count = id ? 1 : 0;
    if (!id) return 0;
    if (room < 1 || !to) return 7;
    to->pid = id; to->used = used; to->gi = to->ci = ~0u;
    return 0;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *d, unsigned *count, process *to) { return list(count, to, 2ULL << 30); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *d, unsigned *count, process *to) { return list(count, to, 2ULL << 30); }
int nvmlDeviceGetProcessUtilization(void *d, sample *to, unsigned *count, unsigned long long since) {
    unsigned room = *count;
    *count = 1;
    if (!to || room < 1) return 7;
    to->pid = pid(); to->at = since + 1; to->sm = 37; to->mem = to->enc = to->dec = 0;
    return 0;
}
