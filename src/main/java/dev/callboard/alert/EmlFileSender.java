package dev.callboard.alert;

import dev.callboard.db.PrivateFiles;
import jakarta.mail.MessagingException;
import jakarta.mail.internet.MimeMessage;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Set;
import org.apache.camel.component.mail.DefaultJavaMailSender;

/**
 * Writes each mail to an {@code .eml} file (RFC 5322), while no mail server is set. Only its owner can read the file; it
 * is written completely or not at all, and its name sorts by time. Safe for any number of threads.
 */
final class EmlFileSender extends DefaultJavaMailSender {
    private static final DateTimeFormatter NAME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

    private final Path directory;
    private final Clock clock;

    EmlFileSender(Path directory, Clock clock) {
        this.directory = directory;
        this.clock = clock;
    }

    @Override
    public void send(MimeMessage mail) throws MessagingException {
        String id = mail.getMessageID().replaceAll("@.*|[^A-Za-z0-9-]", "");
        String name = NAME.format(clock.instant()) + "-" + id;
        try {
            PrivateFiles.createFolder(directory);
            Path part = directory.resolve(name + ".part");
            try {
                write(mail, part);
                if (mail instanceof OutboxMessage message) {
                    message.beginHandOver();
                }
                Files.move(part, directory.resolve(name + ".eml"), StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(part);
            }
        } catch (IOException e) {
            throw new MessagingException("can't write to callboard.mail.directory " + directory, e);
        }
    }

    private static void write(MimeMessage mail, Path file) throws IOException, MessagingException {
        Set<StandardOpenOption> options =
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(file, options, ownerOnly(file))) {
            OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel));
            mail.writeTo(out);
            out.flush();
            channel.force(true);
        }
    }

    private static FileAttribute<?>[] ownerOnly(Path file) {
        return file.getFileSystem().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                }
                : new FileAttribute<?>[0];
    }
}
