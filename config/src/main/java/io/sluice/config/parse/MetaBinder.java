// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Kind;
import io.sluice.config.model.ObjectMeta;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.text.Text;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.regex.Pattern;

/** Reads {@code metadata}. */
final class MetaBinder {
  private static final String DEFAULT_NAMESPACE = "default";
  private static final int NAME_MAX = 253;
  private static final int LABEL_MAX = 63;
  private static final Pattern NAME =
      Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
  private static final Pattern LABEL_VALUE =
      Pattern.compile("([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?");

  private MetaBinder() {}

  /**
   * What is known of a document once its metadata has been read.
   *
   * @param fields of the metadata, for lines in messages
   */
  record Bound(ObjectMeta meta, Fields fields) {}

  /** The key alone, which says whose last good version stays should the rest be wrong. */
  static Optional<ResourceKey> key(Kind kind, Fields meta) {
    String name = meta.required("name");
    if (name.isEmpty()) {
      return Optional.empty();
    }
    if (name.length() > NAME_MAX || !NAME.matcher(name).matches()) {
      meta.error(
          "name",
          Text.quote(name)
              + " is not a name: lower-case letters, digits, - and ., at most "
              + NAME_MAX
              + " characters");
      return Optional.empty();
    }
    String namespace = meta.text("namespace");
    if (!kind.namespaced()) {
      if (!namespace.isEmpty()) {
        meta.ignored("namespace", "has no effect, a " + kind + " is not in a namespace");
      }
      return Optional.of(new ResourceKey(kind, "", name));
    }
    if (namespace.isEmpty()) {
      namespace = DEFAULT_NAMESPACE;
    } else if (namespace.length() > LABEL_MAX || !NAME.matcher(namespace).matches()) {
      meta.error("namespace", Text.quote(namespace) + " is not the name of a namespace");
      return Optional.empty();
    }
    return Optional.of(new ResourceKey(kind, namespace, name));
  }

  static Bound bind(ResourceKey key, Fields meta) {
    var labels = meta.texts("labels");
    labels.forEach((name, value) -> checkLabel(meta, "labels", name, value));
    ObjectMeta bound =
        new ObjectMeta(
            key.name(),
            key.namespace(),
            labels,
            meta.texts("annotations"),
            meta.text("resourceVersion"),
            meta.text("uid"),
            meta.parsed("creationTimestamp", MetaBinder::instant));
    meta.skip(
        "generation",
        "generateName",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "finalizers",
        "managedFields",
        "ownerReferences",
        "selfLink");
    meta.finish();
    return new Bound(bound, meta);
  }

  /** Says so if this is no value that a label can have. */
  static void checkLabel(Fields fields, String field, String name, String value) {
    if (value.length() > LABEL_MAX || !LABEL_VALUE.matcher(value).matches()) {
      fields.error(field, Text.quote(value) + " is not a value for the label " + name);
    }
  }

  private static Instant instant(String text) {
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw new IllegalArgumentException(
          Text.quote(text) + " is not a time, write 2026-01-31T12:00:00Z", e);
    }
  }
}
