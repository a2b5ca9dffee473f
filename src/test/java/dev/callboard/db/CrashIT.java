package dev.callboard.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.PostgresqlServer;
import dev.callboard.testkit.Provider;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every callback that was answered 200 is stored after kill -9. Runs the packaged application as a process of its own under
 * the load of 64 connections, kills it at random moments and starts it again on the same database. The system property
 * {@code callboard.kills} says how often, for each database.
 */
@Timeout(1800)
final class CrashIT {
    private static final Logger LOG = LoggerFactory.getLogger(CrashIT.class);
    private static final int CONNECTIONS = 64;
    private static final int KILLS = Integer.getInteger("callboard.kills", 5);

    private final long seed = Long.getLong("callboard.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final Provider provider = new Provider(CONNECTIONS, seed);

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(Backend.class)
    void losesNoAcknowledgedCallbackWhenItIsKilled(Backend backend) throws Exception {
        Map<String, String> database = backend.newDatabase(folder);
        CallboardProcess callboard = new CallboardProcess(folder, database);
        for (int kill = 1; kill <= KILLS; kill++) {
            callboard.start();
            callUntilARandomMoment(callboard.port);
            callboard.kill();
            provider.stop();
        }
        callboard.start();
        callUntilARandomMoment(callboard.port);
        provider.stop();
        callboard.close();
        compare(backend + ", killed " + KILLS + " times", database);
    }

    @Test
    void losesNoAcknowledgedCallbackWhenPostgresqlIsKilled() throws Exception {
        try (PostgresqlServer server = new PostgresqlServer(folder.resolve("postgresql"))) {
            try (CallboardProcess callboard = new CallboardProcess(folder, server.settings())) {
                callboard.start();
                for (int kill = 1; kill <= 2; kill++) {
                    callUntilARandomMoment(callboard.port);
                    server.kill();
                    int answered = provider.unavailable();
                    await().until(() -> provider.unavailable() > answered);
                    server.startAgain();
                    int before = provider.acknowledged();
                    await().atMost(Duration.ofSeconds(60)).until(() -> provider.acknowledged() > before + CONNECTIONS);
                    provider.stop();
                }
            }
            compare("PostgreSQL itself, killed twice", server.settings());
        }
    }

    @Test
    void losesNoAcknowledgedCallbackWhenOneOfTwoNodesIsKilled() throws Exception {
        Map<String, String> database = Backend.POSTGRESQL.newDatabase(folder);
        CallboardProcess killed = new CallboardProcess(folder.resolve("killed"), database);
        try (CallboardProcess other = new CallboardProcess(folder.resolve("other"), database)) {
            killed.start();
            other.start();
            callUntilARandomMoment(killed.port, other.port);
            killed.kill();
            provider.stop();
            // The callers of the killed node go on at the other, first with the callbacks that were not answered.
            callUntilARandomMoment(other.port);
            provider.stop();
        }
        compare("one of two nodes on PostgreSQL, killed", database);
    }

    private void callUntilARandomMoment(int... ports) throws InterruptedException {
        int before = provider.acknowledged();
        provider.callBack(ports);
        await().atMost(Duration.ofSeconds(60)).until(() -> provider.acknowledged() > before + 2 * CONNECTIONS);
        Thread.sleep(random.nextInt(1500));
    }

    private void compare(String what, Map<String, String> database) throws Exception {
        try (Connection connection = DriverManager.getConnection(
                database.get("callboard.database.url"),
                database.getOrDefault("callboard.database.user", "sa"),
                database.getOrDefault("callboard.database.password", ""))) {
            assertThat(provider.differences(connection)).as("seed " + seed).isEmpty();
        }
        LOG.info(
                "{}: all {} acknowledged callbacks are stored once ({} answers 503; seed {})",
                what,
                provider.acknowledged(),
                provider.unavailable(),
                seed);
    }
}
