package dev.callboard.command;

import dev.callboard.db.Database;
import dev.callboard.db.PrivateFiles;
import dev.callboard.settings.Settings;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** {@code callboard restore FILE}: unpacks a backup to where the settings have the file of H2, if there is none yet. */
final class Restore {
    private Restore() {}

    /** @throws CommandFailedException if there is a database already, or the file is no backup; nothing is left then */
    static void run(Settings settings, Path backup, PrintStream out) throws CommandFailedException {
        Path file = Database.file(settings.database())
                .orElseThrow(() -> new CommandFailedException(
                        "the database of the settings is not H2; restore PostgreSQL with pg_restore"));
        if (Files.exists(file)) {
            throw new CommandFailedException(
                    "there is a database already: stop Callboard, and move " + file + " to another place");
        }
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try {
            PrivateFiles.createFolder(file.getParent());
            try {
                unpack(backup, part);
                Files.move(part, file);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw new CommandFailedException(backup + " was not restored: " + e.getMessage(), e);
        }
        Database.Tables tables = Database.find(settings.database());
        out.println("The database is restored to " + file
                + (tables == Database.Tables.OLDER ? ". The next start migrates its tables." : "."));
    }

    private static void unpack(Path backup, Path part) throws IOException {
        Set<StandardOpenOption> options =
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(backup));
                FileChannel channel = FileChannel.open(part, options, PrivateFiles.ownerOnly(part.getParent()))) {
            ZipEntry entry = zip.getNextEntry();
            if (entry == null || !entry.getName().endsWith(".mv.db")) {
                throw new IOException("it is no backup of callboard backup");
            }
            zip.transferTo(Channels.newOutputStream(channel));
            // Fails unless the content is what was packed.
            zip.closeEntry();
            channel.force(true);
        }
    }
}
