package dev.callboard.db;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Only the owner can read {@code data/} and the files in it, even if the folder existed before. */
final class FilePermissionsTest {
    private static final Set<PosixFilePermission> OWNER = EnumSet.of(
            PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE);

    @Test
    void makesItsDataReadableForItsOwnerOnly() throws IOException {
        Path data = TestCallboard.newFolder().resolve("data");
        Files.createDirectories(data);
        Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxr-xr-x"));
        Map<String, String> settings = Map.of(
                "callboard.database.url", Settings.Database.DEFAULT_URL.replace("./data", data.toString()),
                "callboard.mail.directory", data.resolve("mail").toString());

        try (TestCallboard callboard = TestCallboard.start(Backend.H2, settings)) {
            callboard.post("fotor", "{\"taskId\": \"private\", \"status\": 2}");
            callboard.mailOf("private");
            assertOnlyTheOwnerReads(data);
        }
        assertOnlyTheOwnerReads(data);
    }

    private static void assertOnlyTheOwnerReads(Path data) throws IOException {
        try (Stream<Path> paths = Files.walk(data)) {
            List<Path> all = paths.toList();
            assertThat(all).hasSizeGreaterThanOrEqualTo(4);
            for (Path path : all) {
                assertThat(OWNER).as(path.toString()).containsAll(Files.getPosixFilePermissions(path));
            }
        }
    }
}
