package dev.callboard.db;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.UUID;
import java.util.zip.Deflater;
import java.util.zip.ZipOutputStream;
import org.h2.mvstore.MVStore;

/** Copies H2's file while it is open, as its own statement {@code BACKUP} does. */
final class H2Backup {
    private H2Backup() {}

    /**
     * Writes a zip file with everything that was committed when this was called. The file has no name any more when this
     * returns, on systems that allow it, so that nothing of it stays whatever happens.
     *
     * @param folder where there is space for it
     * @return its content; closing it deletes it
     */
    static InputStream write(Connection connection, Path folder) throws SQLException, IOException {
        MVStore store = H2Compaction.store(connection);
        FileChannel file = FileChannel.open(
                folder.resolve("backup-" + UUID.randomUUID() + ".zip"),
                Set.of(
                        StandardOpenOption.CREATE_NEW,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.DELETE_ON_CLOSE),
                PrivateFiles.ownerOnly(folder));
        try {
            ZipOutputStream zip = new ZipOutputStream(new BufferedOutputStream(Channels.newOutputStream(file)));
            zip.setLevel(Deflater.BEST_SPEED);
            store.getFileStore().backup(zip);
            zip.finish();
            zip.flush();
            file.position(0);
            return Channels.newInputStream(file);
        } catch (IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }
}
