package dev.callboard.task;

import static dev.callboard.task.Outcome.COMPLETED;
import static dev.callboard.task.Outcome.FAILED;
import static dev.callboard.task.Outcome.IN_PROGRESS;
import static dev.callboard.task.RecordResult.APPLIED;
import static dev.callboard.testkit.Callbacks.NOON;
import static dev.callboard.testkit.Callbacks.callback;
import static dev.callboard.testkit.Callbacks.withResult;
import static dev.callboard.testkit.Callbacks.withVideo;
import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.db.Database;
import dev.callboard.settings.Settings;
import dev.callboard.task.Announcements.Counts;
import dev.callboard.task.Announcements.Heard;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Announcing in the tables: before and after callbacks, and at the same time by several processes. */
@ParameterizedClass
@EnumSource(Backend.class)
record AnnouncementsTest(Backend backend) {
    private static final Deadlines DEADLINES =
            new Deadlines(Map.of("fotor", new Deadlines.Times(Duration.ofMinutes(3), Duration.ofHours(2))));

    private static Settings settings;
    private static Database database;
    private static TaskStore store;

    private static Announcements announcements(int secondsAfterNoon) {
        return new Announcements(database, DEADLINES, new SettableClock(NOON.plusSeconds(secondsAfterNoon)));
    }

    @BeforeParameterizedClassInvocation
    static void open(Backend backend) throws IOException {
        Properties properties = new Properties();
        properties.putAll(backend.newDatabase(TestCallboard.newFolder()));
        settings = Settings.read(Path.of("no-file"), Map.of(), properties);
        database = Database.open(settings);
        store = new TaskStore(database, DEADLINES);
    }

    @AfterParameterizedClassInvocation
    static void close() {
        database.close();
    }

    // ---- a task without a callback ----

    @Test
    void createsATaskThatIsExpectedAndOpen() throws Exception {
        String id = newId();

        assertThat(announcements(0)
                        .announce(List.of(new Announcement(
                                new TaskKey("fotor", id),
                                "video",
                                "avatar",
                                "order-1",
                                "t-0",
                                "video",
                                Duration.ofMinutes(30),
                                false))))
                .isEqualTo(new Counts(1, 0));

        assertThat(task(id))
                .containsEntry("task_type", "video")
                .containsEntry("business_id", "order-1")
                .containsEntry("source_task_id", "t-0")
                .containsEntry("expects", "video")
                .containsEntry("overdue_after", 1800)
                .containsEntry("status", "expected")
                .containsEntry("outcome", "expected")
                .containsEntry("revision", 1)
                .containsEntry("occurred_at", null)
                .containsEntry("first_received_at", NOON)
                .containsEntry("last_callback_at", NOON)
                .containsEntry("changed_at", NOON)
                .containsEntry("outcome_since", NOON);
        assertThat(openTask(id))
                .containsEntry("opened_at", NOON)
                .containsEntry("next_lookup_at", NOON.plusSeconds(180))
                .containsEntry("overdue_at", NOON.plusSeconds(1800));
    }

    @Test
    void takesTheTimesOfTheProviderUnlessTheAnnouncementHasAnother() throws Exception {
        String id = newId();

        announcements(0).announce(List.of(announcement(id)));

        assertThat(openTask(id)).containsEntry("overdue_at", NOON.plusSeconds(7200));
    }

    @Test
    void changesNothingWhenItIsRepeated() throws Exception {
        String id = newId();
        Announcement announcement = with(id, "video", Duration.ofMinutes(30));
        announcements(0).announce(List.of(announcement));
        Map<String, Object> task = task(id);
        Map<String, Object> openTask = openTask(id);

        assertThat(announcements(60).announce(List.of(announcement))).isEqualTo(new Counts(0, 1));
        assertThat(announcements(70).announce(List.of(announcement(id)))).isEqualTo(new Counts(0, 1));
        assertThat(announcements(80).announce(List.of(with(id, "image", null)))).isEqualTo(new Counts(0, 1));

        assertThat(task(id)).isEqualTo(task);
        assertThat(openTask(id)).isEqualTo(openTask);
    }

    @Test
    void takesRepeatedLinesOfOneBatchOneAfterTheOther() throws Exception {
        String id = newId();

        assertThat(announcements(0)
                        .announce(List.of(announcement(id), with(id, "video", null), with(id, "image", null))))
                .isEqualTo(new Counts(1, 2));

        assertThat(task(id)).containsEntry("expects", "video");
    }

    @Test
    void announcesMoreThanAChunk() throws Exception {
        String run = newId().substring(0, 8);
        List<Announcement> all = new ArrayList<>();
        for (int i = 0; i < Announcements.MAX_CHUNK + 7; i++) {
            all.add(announcement(run + "-" + i));
        }

        assertThat(announcements(0).announce(all)).isEqualTo(new Counts(all.size(), 0));
        assertThat(announcements(9).announce(all)).isEqualTo(new Counts(0, all.size()));

        assertThat(number("SELECT COUNT(*) FROM task WHERE task_id LIKE ?", run + "-%"))
                .isEqualTo(all.size());
        assertThat(number("SELECT COUNT(*) FROM open_task WHERE task_id LIKE ?", run + "-%"))
                .isEqualTo(all.size());
    }

    @Test
    void keepsTasksOfTheSameIdAtOtherProvidersApart() throws Exception {
        String id = newId();
        announcements(0).announce(List.of(with(id, "video", null)));

        assertThat(announcements(0)
                        .announce(List.of(new Announcement(
                                new TaskKey("creatify", id), "lipsync", null, null, null, null, null, false))))
                .isEqualTo(new Counts(1, 0));

        assertThat(task(id)).containsEntry("expects", "video").containsEntry("task_type", null);
    }

    // ---- with callbacks ----

    @Test
    void isReplacedByTheFirstCallback() throws Exception {
        String id = newId();
        announcements(0).announce(List.of(with(id, null, null)));

        assertThat(record(callback(id, "0", IN_PROGRESS, null, 100))).isEqualTo(APPLIED);

        assertThat(task(id)).containsEntry("outcome", "in_progress").containsEntry("changed_at", NOON.plusSeconds(100));
        assertThat(openTask(id))
                .containsEntry("opened_at", NOON)
                .containsEntry("next_lookup_at", NOON.plusSeconds(280))
                .containsEntry("overdue_at", NOON.plusSeconds(7200));

        record(callback(id, "2", FAILED, null, 200, "failed"));
        assertThat(task(id)).containsEntry("outcome", "failed");
        assertThat(openTask(id)).isEmpty();
    }

    @Test
    void addsOnlyWhatATaskWithACallbackLacks() throws Exception {
        String id = newId();
        record(callback(id, "2", FAILED, null, 10, "failed"));
        announcements(20)
                .announce(List.of(
                        new Announcement(new TaskKey("fotor", id), null, null, "order-1", null, null, null, false)));
        Map<String, Object> before = task(id);

        assertThat(announcements(30)
                        .announce(List.of(new Announcement(
                                new TaskKey("fotor", id),
                                "video",
                                null,
                                "order-2",
                                "t-0",
                                "video",
                                Duration.ofSeconds(90),
                                false))))
                .isEqualTo(new Counts(0, 1));

        Map<String, Object> expected = new LinkedHashMap<>(before);
        expected.put("task_type", "video");
        expected.put("source_task_id", "t-0");
        expected.put("expects", "video");
        expected.put("overdue_after", 90);
        assertThat(task(id))
                .isEqualTo(expected)
                .containsEntry("outcome", "failed")
                .containsEntry("business_id", "order-1")
                .containsEntry("last_callback_at", NOON.plusSeconds(10));
        assertThat(openTask(id)).as("it is over").isEmpty();
    }

    @Test
    void opensACompletedTaskUntilTheFileThatItExpectsIsThere() throws Exception {
        String id = newId();
        record(withResult(callback(id, "1", COMPLETED, null, 10), "https://x.example/" + id + ".jpg"));
        assertThat(openTask(id)).isEmpty();

        announcements(500).announce(List.of(with(id, "video", null)));

        assertThat(task(id)).containsEntry("outcome", "completed").containsEntry("changed_at", NOON.plusSeconds(10));
        assertThat(openTask(id))
                .containsEntry("opened_at", NOON.plusSeconds(500))
                .containsEntry("next_lookup_at", NOON.plusSeconds(680))
                .containsEntry("overdue_at", NOON.plusSeconds(7700));

        record(withVideo(callback(id, "1", COMPLETED, null, 600), "https://x.example/" + id + ".mp4"));
        assertThat(openTask(id)).isEmpty();
    }

    @Test
    void keepsATaskOpenWhoseImageComesBeforeItsVideo() throws Exception {
        String id = newId();
        announcements(0).announce(List.of(with(id, "video", null)));

        record(withResult(callback(id, "1", COMPLETED, null, 10), "https://x.example/" + id + ".jpg"));
        assertThat(openTask(id)).containsEntry("opened_at", NOON);

        record(withVideo(callback(id, "1", COMPLETED, null, 20), "https://x.example/" + id + ".mp4"));
        assertThat(openTask(id)).isEmpty();
    }

    @Test
    void doesNotOpenACompletedTaskThatHasWhatItExpects() throws Exception {
        String id = newId();
        record(withResult(callback(id, "1", COMPLETED, null, 10), "https://x.example/" + id + ".jpg"));

        announcements(20).announce(List.of(with(id, "image", null)));

        assertThat(task(id)).containsEntry("expects", "image");
        assertThat(openTask(id)).isEmpty();
    }

    @Test
    void movesTheTimeAfterWhichAnOpenTaskIsOverdueUnlessThatIsTold() throws Exception {
        String id = newId();
        record(callback(id, "0", IN_PROGRESS, null, 10));

        announcements(20).announce(List.of(with(id, null, Duration.ofMinutes(10))));
        assertThat(openTask(id)).containsEntry("overdue_at", NOON.plusSeconds(610));
        announcements(30).announce(List.of(with(id, null, Duration.ofMinutes(20))));
        assertThat(openTask(id)).containsEntry("overdue_at", NOON.plusSeconds(1210));
        assertThat(task(id)).containsEntry("overdue_after", 1200);

        update("UPDATE open_task SET overdue_at = NULL WHERE task_id = ?", id);
        announcements(40).announce(List.of(with(id, null, Duration.ofMinutes(30))));
        assertThat(openTask(id)).containsEntry("overdue_at", null);
    }

    // ---- look-ups ----

    @Test
    void hasTasksLookedUpSoonAndTellsNoneThatIsOverAsOverdue() throws Exception {
        String unseen = newId();
        String open = newId();
        String over = newId();
        record(callback(open, "0", IN_PROGRESS, null, 0));
        record(callback(over, "2", FAILED, null, 0));
        update("UPDATE open_task SET next_lookup_at = NULL, lookups = 7 WHERE task_id = ?", open);

        announcements(60)
                .lookUpSoon(List.of(
                        new Heard("fotor", unseen, "order-1", "avatar"),
                        new Heard("fotor", open, null, null),
                        new Heard("fotor", over, null, null)));

        assertThat(task(unseen)).containsEntry("outcome", "expected").containsEntry("business_id", "order-1");
        assertThat(openTask(unseen))
                .containsEntry("next_lookup_at", NOON.plusSeconds(60))
                .containsEntry("overdue_at", NOON.plusSeconds(7260));
        assertThat(task(open)).containsEntry("outcome", "in_progress").containsEntry("last_callback_at", NOON);
        assertThat(openTask(open))
                .containsEntry("next_lookup_at", NOON.plusSeconds(60))
                .containsEntry("lookups", 0)
                .containsEntry("opened_at", NOON);
        // The callback that was not recorded may have gone on from there.
        assertThat(openTask(over))
                .containsEntry("next_lookup_at", NOON.plusSeconds(60))
                .containsEntry("overdue_at", null);
    }

    @Test
    void tellsATaskThatWasOverAndGoesOnAsOverdue() throws Exception {
        String id = newId();
        record(callback(id, "image_generated", COMPLETED, 0, 0));
        announcements(60).lookUpSoon(List.of(new Heard("fotor", id, null, null)));
        assertThat(openTask(id)).containsEntry("overdue_at", null);

        record(callback(id, "video_generating", IN_PROGRESS, 100, 100));

        assertThat(openTask(id))
                .containsEntry("opened_at", NOON.plusSeconds(100))
                .containsEntry("next_lookup_at", NOON.plusSeconds(280))
                .containsEntry("overdue_at", NOON.plusSeconds(7300))
                .containsEntry("lookups", 0);
    }

    // ---- at the same time ----

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void losesNothingAndDoesNotDeadlockWhileCallbacksAreRecorded(int seed) throws Exception {
        Random random = new Random(seed);
        String run = newId().substring(0, 8);
        List<Announcement> announced = new ArrayList<>();
        List<Callback> received = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            String id = run + "-" + i;
            announced.add(with(id, i % 2 == 0 ? "video" : null, Duration.ofMinutes(30)));
            received.add(callback(id, "0", IN_PROGRESS, 1, 1));
            received.add(withResult(callback(id, "1", COMPLETED, 2, 2), "https://x.example/" + id + ".jpg"));
        }
        long deadlocks = deadlocks();
        // H2's file belongs to one process.
        Database another = database.isH2() ? database : Database.open(settings);
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<TaskStore> stores = List.of(store, new TaskStore(another, DEADLINES));
            List<Announcements> announcers =
                    List.of(announcements(0), new Announcements(another, DEADLINES, new SettableClock(NOON)));
            List<Future<Counts>> counts = new ArrayList<>();
            List<Future<List<RecordResult>>> results = new ArrayList<>();
            for (int round = 0; round < 4; round++) {
                Collections.shuffle(announced, random);
                for (int from = 0; from < announced.size(); from += 20) {
                    List<Announcement> chunk = List.copyOf(announced.subList(from, from + 20));
                    Announcements one = announcers.get(random.nextInt(2));
                    counts.add(threads.submit(() -> one.announce(chunk)));
                    if (round < 2) {
                        // Each callback once, in whatever order.
                        int part = (round * 3 + from / 20) * 20;
                        List<Callback> group = List.copyOf(received.subList(part, part + 20));
                        TaskStore other = stores.get(random.nextInt(2));
                        results.add(threads.submit(() -> other.recordGroup(group)));
                    }
                }
            }
            int total = 0;
            for (Future<Counts> each : counts) {
                total += each.get().created() + each.get().existed();
            }
            assertThat(total).isEqualTo(240);
            for (Future<List<RecordResult>> each : results) {
                assertThat(each.get()).hasSize(20);
            }
        } finally {
            threads.shutdown();
            if (!database.isH2()) {
                another.close();
            }
        }

        assertThat(deadlocks()).isEqualTo(deadlocks);
        assertThat(number("SELECT COUNT(*) FROM callback WHERE task_id LIKE ?", run + "-%"))
                .isEqualTo(120);
        for (int i = 0; i < 60; i++) {
            String id = run + "-" + i;
            assertThat(task(id))
                    .containsEntry("outcome", "completed")
                    .containsEntry("expects", i % 2 == 0 ? "video" : null)
                    .containsEntry("overdue_after", 1800);
            assertThat(openTask(id).isEmpty()).as("%s is over", id).isEqualTo(i % 2 != 0);
        }
    }

    // ---- helpers ----

    private static Announcement announcement(String id) {
        return with(id, null, null);
    }

    private static Announcement with(String id, String expects, Duration overdueAfter) {
        return new Announcement(new TaskKey("fotor", id), null, null, null, null, expects, overdueAfter, false);
    }

    private static RecordResult record(Callback callback) throws Exception {
        return store.recordGroup(List.of(callback)).get(0);
    }

    private static String newId() {
        return UUID.randomUUID().toString();
    }

    private static Map<String, Object> task(String id) throws SQLException {
        return row("SELECT * FROM task WHERE provider = 'fotor' AND task_id = ?", id);
    }

    private static Map<String, Object> openTask(String id) throws SQLException {
        return row("SELECT * FROM open_task WHERE provider = 'fotor' AND task_id = ?", id);
    }

    /** Empty if there is none. */
    private static Map<String, Object> row(String sql, String id) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement select = connection.prepareStatement(sql)) {
            select.setString(1, id);
            Map<String, Object> columns = new LinkedHashMap<>();
            try (ResultSet row = select.executeQuery()) {
                if (row.next()) {
                    for (int i = 1; i <= row.getMetaData().getColumnCount(); i++) {
                        columns.put(row.getMetaData().getColumnLabel(i), value(row.getObject(i)));
                    }
                }
            }
            return columns;
        }
    }

    private static Object value(Object column) {
        if (column instanceof OffsetDateTime time) {
            return time.toInstant();
        }
        return column instanceof java.sql.Timestamp time ? time.toInstant() : column;
    }

    private static long deadlocks() throws SQLException {
        return database.isH2()
                ? 0
                : number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database() AND ? <> ''", "x");
    }

    private static long number(String sql, String parameter) throws SQLException {
        return ((Number) row(sql, parameter).values().iterator().next()).longValue();
    }

    private static void update(String sql, String id) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                PreparedStatement update = connection.prepareStatement(sql)) {
            update.setString(1, id);
            update.executeUpdate();
        }
    }
}
