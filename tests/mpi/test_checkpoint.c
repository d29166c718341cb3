/* Checkpoints by themselves: what any number of ranks wrote, any other number reads, bit by bit; a file that
 * was cut at every 4 KB, or that has one flipped byte, is never trusted, and the older one is taken; so is it
 * where the newest is foreign; what may change in the deck, and what may not. */
#include "checkpoint/checkpoint.h"

#include "checkpoint/checkpoint_parts.h"
#include "checkpoint/stop.h"
#include "comm.h"
#include "command/command.h"
#include "file/array_file_parts.h"
#include "support/check.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const deck_text = "task: train\n"
                                     "data: {file: data.csv}\n"
                                     "block: {window: 5}\n"
                                     "inputs: {coefficients: {parameter: [1, 1, 0]}, rhs: none}\n"
                                     "loss: [solution]\n";

static int world_rank, world_size;

/* ---- a state that any number of ranks has ------------------------------------------------------------ */

enum { NUMBERS = 1000, HALVES = 17, INTEGERS = 5, BYTES = 70000, PARTED = 103, FEW = 3 };

typedef struct objects {
  double numbers[NUMBERS];
  float halves[HALVES];
  int64_t integers[INTEGERS];
  uint8_t bytes[BYTES];
  double parted[PARTED], few[FEW]; /* this rank's */
  int64_t parted_first, parted_count, few_first, few_count;
  neurlp_state_array arrays[7];
} objects;

static double value_of(int64_t i, int salt) {
  return sin((double)i * 0.7 + salt) * pow(10, (double)(i % 40) - 20);
}

static void lay_out(objects *o, MPI_Comm comm) {
  int rank = 0, size = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  memset(o, 0, sizeof *o);
  neurlp_partition(PARTED, rank, size, &o->parted_first, &o->parted_count);
  neurlp_partition(FEW, rank, size, &o->few_first, &o->few_count);
  const neurlp_state_array arrays[] = {
      {.name = "a/numbers", .kind = NEURLP_STATE_DOUBLE, .count = NUMBERS, .numbers = o->numbers},
      {.name = "a/halves", .kind = NEURLP_STATE_FLOAT, .count = HALVES, .numbers = o->halves},
      {.name = "b/integers", .kind = NEURLP_STATE_INT64, .count = INTEGERS, .numbers = o->integers},
      {.name = "bytes", .kind = NEURLP_STATE_BYTE, .count = BYTES, .numbers = o->bytes},
      {.name = "nothing", .kind = NEURLP_STATE_DOUBLE, .count = 0, .numbers = o->numbers},
      {.name = "parted",
       .kind = NEURLP_STATE_DOUBLE,
       .count = o->parted_count,
       .numbers = o->parted,
       .part = true},
      {.name = "few", .kind = NEURLP_STATE_DOUBLE, .count = o->few_count, .numbers = o->few, .part = true}};
  memcpy(o->arrays, arrays, sizeof arrays);
}

static void fill(objects *o, int salt) {
  for (int i = 0; i < NUMBERS; i++) o->numbers[i] = value_of(i, salt);
  o->numbers[1] = (double)NAN;
  o->numbers[2] = -0.0;
  o->numbers[3] = (double)INFINITY;
  for (int i = 0; i < HALVES; i++) o->halves[i] = (float)value_of(i % 10, salt);
  for (int i = 0; i < INTEGERS; i++) o->integers[i] = INT64_MIN + salt + i;
  for (int i = 0; i < BYTES; i++) o->bytes[i] = (uint8_t)(i * 7 + salt);
  for (int64_t i = 0; i < o->parted_count; i++) o->parted[i] = value_of(o->parted_first + i, salt + 1);
  for (int64_t i = 0; i < o->few_count; i++) o->few[i] = value_of(o->few_first + i, salt + 2);
}

static bool is_state(const objects *o, MPI_Comm comm, int salt) {
  static objects wanted;
  lay_out(&wanted, comm);
  fill(&wanted, salt);
  return memcmp(o->numbers, wanted.numbers, sizeof o->numbers) == 0 &&
         memcmp(o->halves, wanted.halves, sizeof o->halves) == 0 &&
         memcmp(o->integers, wanted.integers, sizeof o->integers) == 0 &&
         memcmp(o->bytes, wanted.bytes, sizeof o->bytes) == 0 &&
         memcmp(o->parted, wanted.parted, sizeof o->parted) == 0 &&
         memcmp(o->few, wanted.few, sizeof o->few) == 0;
}

/* ---- runs that keep and go on ------------------------------------------------------------------------ */

static neurlp_job job_of(neurlp_context *context, const char *text, const char *override) {
  neurlp_job job = {.context = context, .command_line = (char[]){"neurlp run test.yaml"}, .lent = context};
  static char line[] = "neurlp run test.yaml";
  char *report = NULL;
  job.command_line = line;
  const neurlp_status status =
      neurlp_deck_parse(context, "test.yaml", text, override ? 1 : 0, &override, &job.deck, &report);
  if (report) printf("%s\n", report);
  neurlp_release(context, &report);
  check_equal("the deck is good", status, NEURLP_SUCCESS);
  return job;
}

static neurlp_status open_it(MPI_Comm comm, const neurlp_job *job, const char *kind, const char *data,
                             neurlp_checkpoint **checkpoint) {
  const neurlp_checkpoint_spec spec = {
      .kind = kind, .result = "run.h5", .fingerprint = data, .begin = MPI_Wtime()};
  return neurlp_checkpoint_open(comm, job, &spec, checkpoint);
}

/* Keeps one more state; the salt says which. */
static void keep_one(MPI_Comm comm, neurlp_context *context, const char *kind, int salt) {
  static objects o;
  neurlp_job job = job_of(context, deck_text, "checkpoint.every=1 step");
  neurlp_checkpoint *checkpoint = NULL;
  check_equal("opened", open_it(comm, &job, kind, "some data", &checkpoint), NEURLP_SUCCESS);
  neurlp_keeper keeper = neurlp_checkpoint_keeper(checkpoint);
  lay_out(&o, comm);
  fill(&o, salt);
  neurlp_checkpoint_progress(checkpoint, salt == 1 ? "one" : "another");
  check_equal("kept", keeper.keep(keeper.user, 7, o.arrays), NEURLP_SUCCESS);
  check_true("without trouble", neurlp_checkpoint_trouble(checkpoint) == NULL);
  neurlp_checkpoint_close(&checkpoint, false);
  neurlp_deck_destroy(&job.deck);
}

/* Opens, and restores if there is anything: which state it was, 0 for none, -1 for one that nobody kept, -2
 * for a failure. */
static int go_on(MPI_Comm comm, neurlp_context *context, const char *override) {
  static objects o;
  neurlp_job job = job_of(context, deck_text, override);
  neurlp_checkpoint *checkpoint = NULL;
  bool found = false;
  int salt = -2;
  neurlp_status status = open_it(comm, &job, "test", "some data", &checkpoint);
  lay_out(&o, comm);
  if (status >= 0) {
    neurlp_keeper keeper = neurlp_checkpoint_keeper(checkpoint);
    status = keeper.restore(keeper.user, 7, o.arrays, &found);
  }
  if (status >= 0) salt = !found ? 0 : is_state(&o, comm, 1) ? 1 : is_state(&o, comm, 2) ? 2 : -1;
  if (salt > 0) check_equal("its sizes", neurlp_checkpoint_count(checkpoint, "parted"), PARTED);
  neurlp_checkpoint_close(&checkpoint, false);
  neurlp_deck_destroy(&job.deck);
  return salt;
}

static void remove_all(void) {
  MPI_Barrier(MPI_COMM_WORLD);
  if (world_rank == 0 && system("rm -rf run.checkpoint.*") != 0) check_true("removed", false);
  MPI_Barrier(MPI_COMM_WORLD);
}

/* ---- any number of ranks ----------------------------------------------------------------------------- */

/* A communicator of the first `size` ranks; MPI_COMM_NULL on the others. */
static MPI_Comm first_ranks(int size) {
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, world_rank < size ? 0 : MPI_UNDEFINED, world_rank, &comm);
  return comm;
}

static void read_checksums(neurlp_context *context, char text[7][32]) {
  static const char *const paths[] = {"state/a/numbers", "state/a/halves", "state/b/integers", "state/bytes",
                                      "state/nothing",   "state/parted",   "state/few"};
  const hid_t file = neurlp_hdf5_open_alone("run.checkpoint.000001.h5");
  for (int i = 0; i < 7; i++) {
    const hid_t set = H5Dopen2(file, paths[i], H5P_DEFAULT),
                attribute = H5Aopen(set, "checksum", H5P_DEFAULT), type = H5Aget_type(attribute);
    char *value = NULL;
    H5Aread(attribute, type, (void *)&value);
    snprintf(text[i], 32, "%s", value ? value : "");
    H5free_memory(value);
    H5Tclose(type);
    H5Aclose(attribute);
    H5Dclose(set);
  }
  H5Fclose(file);
  (void)context;
}

static void test_ranks(neurlp_context *context) {
  char sums[2][7][32] = {0};
  for (int writers = 1; writers <= world_size; writers += world_size > 1 ? world_size - 1 : 1) {
    MPI_Comm comm = first_ranks(writers);
    remove_all();
    if (comm != MPI_COMM_NULL) keep_one(comm, context, "test", 1);
    if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
    MPI_Barrier(MPI_COMM_WORLD);
    read_checksums(context, sums[writers > 1]);
    check_true("checksums do not depend on ranks", memcmp(sums[writers > 1], sums[0], sizeof sums[0]) == 0);
    for (int readers = 1; readers <= world_size; readers++) {
      comm = first_ranks(readers);
      if (comm != MPI_COMM_NULL) check_equal("read back, bit by bit", go_on(comm, context, NULL), 1);
      if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
    }
  }
}

/* ---- damage ------------------------------------------------------------------------------------------ */

static long read_whole(const char *path, char **content) {
  struct stat info;
  FILE *file = fopen(path, "rb");
  if (!file || fstat(fileno(file), &info) != 0) return 0;
  *content = malloc((size_t)info.st_size);
  const size_t got = *content ? fread(*content, 1, (size_t)info.st_size, file) : 0;
  fclose(file);
  return (long)got;
}

static void write_whole(const char *path, const char *content, long bytes) {
  if (world_rank == 0) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(content, 1, (size_t)bytes, file) != (size_t)bytes) check_true("damage done", false);
    if (file) fclose(file);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

/* Goes on from the older one, whatever has happened to the newer. */
static void check_skipped(neurlp_context *context, const char *what) {
  const int salt = go_on(MPI_COMM_WORLD, context, NULL);
  if (salt != 1) printf("%s\n", what);
  check_equal(what, salt, 1);
  MPI_Barrier(MPI_COMM_WORLD);
}

static void test_damage(neurlp_context *context) {
  static const char *const newer = "run.checkpoint.000002.h5";
  const int stride = world_size > 1 ? 4 + world_size : 1; /* one process does all of them */
  char *content = NULL, what[80];
  remove_all();
  keep_one(MPI_COMM_WORLD, context, "test", 1);
  keep_one(MPI_COMM_WORLD, context, "test", 2);
  check_equal("the newest is taken", go_on(MPI_COMM_WORLD, context, NULL), 2);
  const long bytes = read_whole(newer, &content);
  MPI_Barrier(MPI_COMM_WORLD); /* all have read it before it is damaged */
  check_above("bytes of a checkpoint", (double)bytes, BYTES);
  for (long cut = 0; cut < bytes; cut += 4096 * stride) {
    write_whole(newer, content, cut);
    snprintf(what, sizeof what, "cut at %ld of %ld bytes", cut, bytes);
    check_skipped(context, what);
  }
  /* every byte of the seal's text, and from there to the end about sixty */
  for (long at = 0; at < bytes; at += at < 64 ? 8 * stride : stride * (bytes / 61 + 1)) {
    content[at] = (char)(content[at] ^ (1 << (at % 8)));
    write_whole(newer, content, bytes);
    content[at] = (char)(content[at] ^ (1 << (at % 8)));
    snprintf(what, sizeof what, "bit %ld of byte %ld of %ld flipped", at % 8, at, bytes);
    check_skipped(context, what);
  }
  content[bytes - 1] = (char)~content[bytes - 1];
  write_whole(newer, content, bytes);
  check_skipped(context, "last byte");
  content[bytes - 1] = (char)~content[bytes - 1];
  write_whole(newer, content, bytes);
  check_equal("unharmed, it is taken again", go_on(MPI_COMM_WORLD, context, NULL), 2);
  free(content);
}

/* ---- foreign files ----------------------------------------------------------------------------------- */

/* A sealed file of another schema version. */
static void write_version(neurlp_context *context, const char *path, int32_t version) {
  neurlp_array_file *file = NULL;
  check_equal("begun", neurlp_array_file_create_sealed(MPI_COMM_WORLD, context, path, 0, &file),
              NEURLP_SUCCESS);
  check_equal("described",
              neurlp_array_file_provenance(file, "neurlp checkpoint", version, "neurlp run", deck_text, 1),
              NEURLP_SUCCESS);
  check_equal("kind", neurlp_array_attribute_text(file, "/", "kind", "test"), NEURLP_SUCCESS);
  check_equal("written", neurlp_array_file_commit(&file), NEURLP_SUCCESS);
}

static void test_foreign(neurlp_context *context) {
  remove_all();
  keep_one(MPI_COMM_WORLD, context, "test", 1);
  MPI_Barrier(MPI_COMM_WORLD);
  if (world_rank == 0) {
    if (mkdir("run.checkpoint.000011.h5", 0777) != 0) check_true("a folder", false);
    if (symlink("nowhere", "run.checkpoint.000012.h5") != 0) check_true("a link", false);
    FILE *text = fopen("run.checkpoint.000013.h5", "w");
    fputs("NeuRLP seal 1\nbytes 9999\nchecksum 0\n", text);
    fclose(text);
    text = fopen("run.checkpoint.7x.h5", "w"); /* no number: none of ours */
    fclose(text);
    const hid_t foreign = H5Fcreate("run.checkpoint.000014.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(foreign);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  check_skipped(context, "a folder, a broken link, a text and another's HDF5 file are skipped");
  write_version(context, "run.checkpoint.000015.h5", 0);
  check_skipped(context, "an older schema is skipped");
  write_version(context, "run.checkpoint.000016.h5", 99);
  check_skipped(context, "a newer schema is skipped");
  keep_one(MPI_COMM_WORLD, context, "another", 2);
  check_equal("it has the next number", access("run.checkpoint.000017.h5", F_OK), 0);
  check_skipped(context, "a checkpoint of another kind is skipped");
}

/* ---- decks ------------------------------------------------------------------------------------------- */

static void check_change(neurlp_context *context, const char *override, bool allowed) {
  neurlp_job job = job_of(context, deck_text, override);
  neurlp_checkpoint *checkpoint = NULL;
  const neurlp_status status = open_it(MPI_COMM_WORLD, &job, "test", "some data", &checkpoint);
  check_equal(override, status, allowed ? NEURLP_SUCCESS : NEURLP_ERROR_DECK);
  char key[64] = "";
  snprintf(key, sizeof key, "%.*s", (int)strcspn(override, "="), override);
  if (!allowed) {
    const char *message = neurlp_context_message(context);
    printf("  %s\n", message);
    check_true("the message names the key and the remedy",
               strstr(message, key) && strstr(message, "checkpoint.resume=off"));
  } else {
    check_true("it goes on", neurlp_checkpoint_found(checkpoint) != NULL);
  }
  neurlp_checkpoint_close(&checkpoint, false);
  neurlp_deck_destroy(&job.deck);
}

static void test_decks(neurlp_context *context) {
  static const char *const allowed[] = {"title=another", "output.compress=4", "checkpoint.keep=7",
                                        "run.threads=3", "train.epochs=1000", "data.file=moved.csv"};
  static const char *const forbidden[] = {"run.seed=2",      "block.window=6",        "train.epochs=1",
                                          "train.batch=3",   "run.reductions=fast",   "loss=[states]",
                                          "data.states=[x]", "block.precision=single"};
  remove_all();
  keep_one(MPI_COMM_WORLD, context, "test", 1);
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) check_change(context, allowed[i], true);
  for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
    check_change(context, forbidden[i], false);
  neurlp_job job = job_of(context, deck_text, NULL);
  neurlp_checkpoint *checkpoint = NULL;
  check_equal("other data", open_it(MPI_COMM_WORLD, &job, "test", "other data", &checkpoint),
              NEURLP_ERROR_DECK);
  check_true("are named", strstr(neurlp_context_message(context), "some data") != NULL);
  neurlp_deck_destroy(&job.deck);
  check_equal("anew, if asked to", go_on(MPI_COMM_WORLD, context, "checkpoint.resume=off"), 0);
}

/* ---- when -------------------------------------------------------------------------------------------- */

/* Calls keep until a status or 100 calls; how many there were. */
static int run_until(neurlp_context *context, const char *override, neurlp_status *status) {
  static objects o;
  neurlp_job job = job_of(context, deck_text, override);
  neurlp_checkpoint *checkpoint = NULL;
  int calls = 0;
  check_equal("opened", open_it(MPI_COMM_WORLD, &job, "test", "some data", &checkpoint), NEURLP_SUCCESS);
  neurlp_keeper keeper = neurlp_checkpoint_keeper(checkpoint);
  lay_out(&o, MPI_COMM_WORLD);
  fill(&o, 2);
  *status = NEURLP_SUCCESS;
  while (*status == NEURLP_SUCCESS && calls++ < 100) *status = keeper.keep(keeper.user, 7, o.arrays);
  neurlp_checkpoint_close(&checkpoint, false);
  neurlp_deck_destroy(&job.deck);
  return calls;
}

static void test_when(neurlp_context *context) {
  static objects o;
  neurlp_status status = NEURLP_SUCCESS;
  double seconds = 0;
  remove_all();
  run_until(context, "checkpoint.every=[40 steps, 3 hours]", &status);
  MPI_Barrier(MPI_COMM_WORLD);
  check_true("every 40 of 100 steps: two", access("run.checkpoint.000001.h5", F_OK) == 0 &&
                                               access("run.checkpoint.000002.h5", F_OK) == 0 &&
                                               access("run.checkpoint.000003.h5", F_OK) != 0);
  remove_all();
  check_equal("a wall time of nothing: one step", run_until(context, "checkpoint.walltime=0 s", &status), 1);
  check_equal("then it stops", status, NEURLP_STOPPED);
  remove_all();
  neurlp_stop_listen();
  if (world_rank == world_size - 1) raise(SIGUSR1);
  check_equal("one rank's signal stops all", run_until(context, "checkpoint.every=never", &status), 1);
  check_equal("it stops", status, NEURLP_STOPPED);
  printf("  %s\n", neurlp_context_message(context));
  check_equal("the signal is forgotten", neurlp_stop_signal(), 0);

  /* A rank that has failed alone tells the others at the next look. */
  neurlp_job job = job_of(context, deck_text, NULL);
  neurlp_checkpoint *checkpoint = NULL;
  bool due = true;
  check_equal("opened", open_it(MPI_COMM_WORLD, &job, "test", "some data", &checkpoint), NEURLP_SUCCESS);
  neurlp_keeper keeper = neurlp_checkpoint_keeper(checkpoint);
  check_equal("not due", keeper.due(keeper.user, NEURLP_SUCCESS, &due), NEURLP_SUCCESS);
  check_true("not due", !due);
  const neurlp_status mine =
      world_rank == world_size - 1 ? neurlp_fail(context, NEURLP_ERROR_DEVICE, "broken") : NEURLP_SUCCESS;
  check_equal("failed", keeper.due(keeper.user, mine, &due), NEURLP_ERROR_DEVICE);
  lay_out(&o, MPI_COMM_WORLD);
  neurlp_checkpoint_close(&checkpoint, true);
  neurlp_deck_destroy(&job.deck);
  check_true("durations", neurlp_checkpoint_duration("1-12:00:00", &seconds) && seconds == 129600);
  check_true("durations", neurlp_checkpoint_duration("00:10:05", &seconds) && seconds == 605);
  check_true("durations", neurlp_checkpoint_duration("1.5 h", &seconds) && seconds == 5400);
  static const char *const wrong[] = {"",        "5",    "five minutes", "-1 s", "1e999 s", "3 fortnights",
                                      "1:75:00", "nan s"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    check_true(wrong[i], !neurlp_checkpoint_duration(wrong[i], &seconds));
}

static neurlp_status look(neurlp_context *context, const char *file) {
  return neurlp_stop_between(MPI_COMM_WORLD, context, "a piece", file);
}

/* Between pieces: the first one is done whatever the time, and where nothing is kept only SIGTERM ends the
 * work. */
static void test_between(neurlp_context *context) {
  const bool one = world_rank == world_size - 1;
  neurlp_stop_listen();
  neurlp_stop_limit(0, 0);
  check_equal("no time, before the first piece", look(context, "file"), NEURLP_SUCCESS);
  check_equal("no time, nothing kept", look(context, NULL), NEURLP_SUCCESS);
  check_equal("no time, a piece kept", look(context, "file"), NEURLP_STOPPED);
  neurlp_stop_ignore();
  neurlp_stop_listen();
  check_equal("limits are forgotten", look(context, "file"), NEURLP_SUCCESS);
  check_equal("limits are forgotten", look(context, "file"), NEURLP_SUCCESS);
  if (one) raise(SIGUSR1);
  check_equal("SIGUSR1, nothing kept", look(context, NULL), NEURLP_SUCCESS);
  check_equal("SIGUSR1, a piece kept", look(context, "file"), NEURLP_STOPPED);
  if (one) raise(SIGTERM);
  check_equal("SIGTERM, nothing kept", look(context, NULL), NEURLP_ERROR_IO);
  check_equal("SIGTERM, a piece kept", look(context, "file"), NEURLP_STOPPED);
  neurlp_stop_ignore();
}

/* Finished runs remove what is theirs, and nothing else. */
static void test_finished(neurlp_context *context) {
  neurlp_job job = job_of(context, deck_text, NULL);
  neurlp_checkpoint *checkpoint = NULL;
  remove_all();
  keep_one(MPI_COMM_WORLD, context, "test", 1);
  keep_one(MPI_COMM_WORLD, context, "test", 2);
  MPI_Barrier(MPI_COMM_WORLD);
  if (world_rank == 0) fclose(fopen("run.checkpoint.000009.h5", "w"));
  MPI_Barrier(MPI_COMM_WORLD);
  check_equal("opened", open_it(MPI_COMM_WORLD, &job, "test", "some data", &checkpoint), NEURLP_SUCCESS);
  neurlp_checkpoint_close(&checkpoint, true);
  MPI_Barrier(MPI_COMM_WORLD);
  check_true("gone",
             access("run.checkpoint.000001.h5", F_OK) != 0 && access("run.checkpoint.000002.h5", F_OK) != 0);
  check_equal("not ours", access("run.checkpoint.000009.h5", F_OK), 0);
  neurlp_deck_destroy(&job.deck);
  remove_all();
}

int main(int argc, char **argv) {
  neurlp_array_file_prepare();
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &world_size);
  unsetenv("SLURM_JOB_END_TIME");
  neurlp_context *context = NULL;
  if (neurlp_context_create(1, &context) != NEURLP_SUCCESS) return 1;
  test_ranks(context);
  test_damage(context);
  test_foreign(context);
  test_decks(context);
  test_when(context);
  test_between(context);
  test_finished(context);
  check_equal("nothing is left allocated", neurlp_context_memory(context).blocks, 0);
  neurlp_context_destroy(&context);
  int verdict = check_verdict();
  MPI_Allreduce(MPI_IN_PLACE, &verdict, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return verdict;
}
