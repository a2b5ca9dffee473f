package dev.callboard;

import jakarta.mail.MessagingException;
import jakarta.mail.internet.MimeMessage;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.apache.camel.component.mail.DefaultJavaMailSender;

/**
 * Takes the place of a mail server while none is set: each mail becomes an .eml file, written whole or not at all,
 * under a name that sorts by time. Safe for any number of threads.
 */
final class EmlDirectory extends DefaultJavaMailSender {
    private static final DateTimeFormatter NAME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

    private final Path directory;
    private final Clock clock;

    EmlDirectory(Path directory, Clock clock) {
        this.directory = directory;
        this.clock = clock;
    }

    @Override
    public void send(MimeMessage mail) throws MessagingException {
        String id = mail.getMessageID().replaceAll("@.*|[^A-Za-z0-9-]", "");
        String name = NAME.format(clock.instant()) + "-" + id;
        try {
            Database.createPrivateFolder(directory);
            Path part = directory.resolve(name + ".part");
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(part))) {
                mail.writeTo(out);
            }
            Files.move(part, directory.resolve(name + ".eml"), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new MessagingException("can't write to " + directory, e);
        }
    }
}
