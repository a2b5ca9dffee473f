package dev.callboard.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Callbacks;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who shares a commit, who waits for what, and what happens when the writer can't. */
@Timeout(30)
final class GroupCommitTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    private final CallbackMetrics meters = new CallbackMetrics(new SimpleMeterRegistry(), Set.of());
    private final ExecutorService callers = Executors.newCachedThreadPool();
    private final List<Integer> sizes = new CopyOnWriteArrayList<>();
    private final CountDownLatch disk = new CountDownLatch(1);
    private GroupCommit groupCommit;

    @AfterEach
    void stop() {
        disk.countDown();
        groupCommit.close();
        callers.shutdownNow();
    }

    @Test
    void writesACallbackThatComesAloneAtOnceAndWhatComesMeanwhileTogether() throws Exception {
        groupCommit = new GroupCommit(this::writeWhenTheDiskIsFree, 1, LONG, meters);
        Future<TaskStore.Effect> first = call("first");
        await().until(() -> sizes.size() == 1);
        List<Future<TaskStore.Effect>> others =
                IntStream.range(0, 100).mapToObj(i -> call("other-" + i)).toList();
        await().until(() -> groupCommit.waiting() == 100);
        assertThat(first.isDone()).as("answered before the commit").isFalse();

        disk.countDown();

        assertThat(first.get()).isEqualTo(TaskStore.Effect.MOVED);
        for (Future<TaskStore.Effect> other : others) {
            assertThat(other.get()).isEqualTo(TaskStore.Effect.MOVED);
        }
        assertThat(sizes).containsExactly(1, 64, 36);
    }

    @Test
    void beginsAnotherGroupBesideOneThatIsBeingWrittenOnlyWhenEnoughWait() throws Exception {
        groupCommit = new GroupCommit(this::writeWhenTheDiskIsFree, 2, LONG, meters);
        Future<TaskStore.Effect> first = call("first");
        await().until(() -> sizes.size() == 1);
        List<Future<TaskStore.Effect>> others = IntStream.range(1, GroupCommit.MIN_CONCURRENT_GROUP_SIZE)
                .mapToObj(i -> call("other-" + i))
                .toList();
        await().until(() -> groupCommit.waiting() == GroupCommit.MIN_CONCURRENT_GROUP_SIZE - 1);
        await().during(Duration.ofMillis(200)).until(() -> sizes.size() == 1);

        Future<TaskStore.Effect> last = call("last");

        await().until(() -> sizes.size() == 2);
        disk.countDown();
        assertThat(first.get()).isEqualTo(TaskStore.Effect.MOVED);
        assertThat(last.get()).isEqualTo(TaskStore.Effect.MOVED);
        for (Future<TaskStore.Effect> other : others) {
            assertThat(other.get()).isEqualTo(TaskStore.Effect.MOVED);
        }
        assertThat(sizes).containsExactly(1, GroupCommit.MIN_CONCURRENT_GROUP_SIZE);
    }

    @Test
    void answersEachWithItsOwnEffectAndThePoisonedOneAlone() throws Exception {
        groupCommit = new GroupCommit(
                group -> {
                    writeWhenTheDiskIsFree(group);
                    for (Callback callback : group) {
                        if (callback.taskId().equals("poisoned")) {
                            throw new RejectedByDatabaseException("no", null);
                        }
                        if (callback.taskId().equals("unforeseen")) {
                            throw new IllegalStateException("no");
                        }
                    }
                    return group.stream()
                            .map(callback -> callback.taskId().equals("late")
                                    ? TaskStore.Effect.OUT_OF_DATE
                                    : TaskStore.Effect.MOVED)
                            .toList();
                },
                1,
                LONG,
                meters);
        Future<TaskStore.Effect> first = call("first");
        await().until(() -> sizes.size() == 1);
        Future<TaskStore.Effect> good = call("good");
        Future<TaskStore.Effect> poisoned = call("poisoned");
        Future<TaskStore.Effect> unforeseen = call("unforeseen");
        Future<TaskStore.Effect> late = call("late");
        await().until(() -> groupCommit.waiting() == 4);

        disk.countDown();

        assertThat(first.get()).isEqualTo(TaskStore.Effect.MOVED);
        assertThat(good.get()).isEqualTo(TaskStore.Effect.MOVED);
        assertThat(late.get()).isEqualTo(TaskStore.Effect.OUT_OF_DATE);
        assertThatThrownBy(poisoned::get).hasCauseInstanceOf(RejectedByDatabaseException.class);
        assertThatThrownBy(unforeseen::get).hasCauseInstanceOf(IllegalStateException.class);
    }

    @Test
    void tellsWhoWaitedTooLongAndDoesNotWriteHimAfterwards() throws Exception {
        groupCommit = new GroupCommit(this::writeWhenTheDiskIsFree, 1, Duration.ofMillis(300), meters);
        Future<TaskStore.Effect> held = call("held");
        await().until(() -> sizes.size() == 1);
        Future<TaskStore.Effect> waiting = call("waiting");

        assertThatThrownBy(held::get).hasCauseInstanceOf(NotRecordedException.class);
        assertThatThrownBy(waiting::get).hasCauseInstanceOf(NotRecordedException.class);
        disk.countDown();

        assertThat(call("next").get()).isEqualTo(TaskStore.Effect.MOVED);
        assertThat(sizes).as("the one who gave up is not written").containsExactly(1, 1);
    }

    @Test
    void refusesMoreThanMayWait() throws Exception {
        groupCommit = new GroupCommit(this::writeWhenTheDiskIsFree, 1, LONG, meters);
        Future<TaskStore.Effect> first = call("first");
        await().until(() -> sizes.size() == 1);
        List<Future<TaskStore.Effect>> others = IntStream.range(0, GroupCommit.MAX_QUEUE_SIZE)
                .mapToObj(i -> call("other-" + i))
                .toList();
        await().until(() -> groupCommit.waiting() == GroupCommit.MAX_QUEUE_SIZE);

        assertThatThrownBy(() -> groupCommit.record(callback("one too many")))
                .isInstanceOf(NotRecordedException.class)
                .hasMessageContaining("wait already");
        disk.countDown();
        first.get();
        for (Future<TaskStore.Effect> other : others) {
            other.get();
        }
    }

    @Test
    void replacesAWriterThatDies() throws Exception {
        groupCommit = new GroupCommit(
                group -> {
                    if (group.get(0).taskId().equals("deadly")) {
                        throw new StackOverflowError("on purpose");
                    }
                    return Collections.nCopies(group.size(), TaskStore.Effect.MOVED);
                },
                1,
                LONG,
                meters);
        assertThatThrownBy(() -> groupCommit.record(callback("deadly"))).isInstanceOf(NotRecordedException.class);
        assertThat(groupCommit.record(callback("next"))).isEqualTo(TaskStore.Effect.MOVED);
    }

    @Test
    void writesWhatWaitsBeforeItEnds() throws Exception {
        groupCommit = new GroupCommit(this::writeWhenTheDiskIsFree, 1, LONG, meters);
        Future<TaskStore.Effect> first = call("first");
        await().until(() -> sizes.size() == 1);
        Future<TaskStore.Effect> waiting = call("waiting");
        await().until(() -> groupCommit.waiting() == 1);

        CompletableFuture<Void> end = CompletableFuture.runAsync(groupCommit::close, callers);
        await().untilAsserted(() -> assertThatThrownBy(() -> groupCommit.record(callback("too late")))
                .hasMessageContaining("is ending"));
        disk.countDown();

        end.get();
        assertThat(first.get()).isEqualTo(TaskStore.Effect.MOVED);
        assertThat(waiting.get()).isEqualTo(TaskStore.Effect.MOVED);
    }

    private Future<TaskStore.Effect> call(String taskId) {
        return callers.submit(() -> groupCommit.record(callback(taskId)));
    }

    private List<TaskStore.Effect> writeWhenTheDiskIsFree(List<Callback> group) {
        sizes.add(group.size());
        try {
            disk.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        return Collections.nCopies(group.size(), TaskStore.Effect.MOVED);
    }

    private static Callback callback(String taskId) {
        return Callbacks.callback(taskId, "1", Outcome.COMPLETED, null, 0);
    }
}
