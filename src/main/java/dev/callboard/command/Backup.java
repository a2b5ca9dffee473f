package dev.callboard.command;

import dev.callboard.db.Database;
import dev.callboard.db.PrivateFiles;
import dev.callboard.settings.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * {@code callboard backup FILE}: has the Callboard that runs with these settings send a backup, over the management port,
 * and writes it to a file that only its owner can read. The file appears only once it is complete.
 */
final class Backup {
    private static final int MAX_REASON = 200;

    private Backup() {}

    /** @throws CommandFailedException if there is such a file, or the backup can't be made; no file is left then */
    static void write(Settings settings, Path file, PrintStream out) throws CommandFailedException {
        if (Database.file(settings.database()).isEmpty()) {
            throw new CommandFailedException(
                    "the database is " + Database.location(settings.database().url())
                            + "; back it up with pg_dump, which is part of PostgreSQL: pg_dump --format=custom --file="
                            + file + " ...");
        }
        if (Files.exists(file)) {
            throw new CommandFailedException(file + " exists; a backup is written to a new file");
        }
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            try {
                receive(settings, part);
                long length = checkedLength(part);
                Files.move(part, file);
                out.println("The backup is " + file + " (" + Files.size(file) + " bytes, " + length
                        + " unpacked). It was read back without an error.");
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw new CommandFailedException("the backup failed: " + e.getMessage(), e);
        }
    }

    private static void receive(Settings settings, Path part) throws IOException, CommandFailedException {
        HttpRequest request = Management.request(settings, "/backup")
                .POST(HttpRequest.BodyPublishers.noBody())
                .build();
        HttpResponse<InputStream> response =
                Management.send(request, settings, HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream content = response.body()) {
            if (response.statusCode() != 200) {
                String why = new String(content.readNBytes(MAX_REASON), StandardCharsets.UTF_8).strip();
                throw new CommandFailedException("Callboard answered " + response.statusCode()
                        + (why.isEmpty() ? "; its log has the reason" : ": " + why));
            }
            Files.deleteIfExists(part);
            Set<StandardOpenOption> options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            Path folder = part.toAbsolutePath().getParent();
            try (FileChannel channel = FileChannel.open(part, options, PrivateFiles.ownerOnly(folder))) {
                OutputStream written = Channels.newOutputStream(channel);
                content.transferTo(written);
                channel.force(true);
            }
        }
    }

    /** Reads all of it, which fails if something is missing or wrong; returns how long the database is. */
    private static long checkedLength(Path zip) throws IOException {
        try (ZipInputStream in = new ZipInputStream(Files.newInputStream(zip))) {
            ZipEntry database = in.getNextEntry();
            if (database == null) {
                throw new IOException("it is empty");
            }
            long length = in.transferTo(OutputStream.nullOutputStream());
            in.closeEntry();
            if (in.getNextEntry() != null) {
                throw new IOException("it has more than one file");
            }
            return length;
        }
    }
}
