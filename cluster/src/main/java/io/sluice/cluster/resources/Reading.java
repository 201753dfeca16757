// SPDX-License-Identifier: Apache-2.0
package io.sluice.cluster.resources;

import io.sluice.cluster.resources.ResourceApi.Manifests;
import io.sluice.cluster.resources.ResourceApi.Reply;
import io.sluice.config.model.Manifest;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import io.sluice.config.model.Service;
import io.sluice.config.parse.Limits;
import io.sluice.config.parse.ManifestParser;
import io.sluice.config.parse.ParsedDocument;
import io.sluice.config.text.Text;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One request's manifests, judged by themselves: everything that is wrong is found at once. */
final class Reading {
  /** Bytes of all resources of a request as JSON: aliases can make more of them than was sent. */
  private static final long MOST_TOTAL = 2L * ResourceApi.MOST_REQUEST_BYTES;

  /** So many lines say enough. */
  private static final int MOST_REASONS = 100;

  private final boolean deletes;
  private final List<Submission.Item> items = new ArrayList<>();
  private final Map<ResourceKey, String> seen = new HashMap<>();
  private final List<String> errors = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private int errorCount;
  private long total;

  private Reading(boolean deletes) {
    this.deletes = deletes;
  }

  /**
   * Reads them.
   *
   * @param deletes whether they only name what is to be deleted
   */
  static Reading of(Manifests manifests, boolean deletes) {
    Reading reading = new Reading(deletes);
    new ManifestParser(Limits.DEFAULT)
        .parse(manifests.file(), manifests.content(), reading::document);
    if (reading.errors.isEmpty() && reading.items.isEmpty()) {
      reading.error(manifests.file() + ": has no resource that is for Sluice");
    }
    return reading;
  }

  List<Submission.Item> items() {
    return items;
  }

  List<String> warnings() {
    return warnings;
  }

  /** What is answered if it cannot be done. */
  Optional<Reply> refusal() {
    if (errors.isEmpty()) {
      return Optional.empty();
    }
    List<String> reasons = new ArrayList<>(errors);
    if (errorCount > MOST_REASONS) {
      reasons.add("and " + (errorCount - MOST_REASONS) + " more");
    }
    return Optional.of(Reply.error(422, reasons));
  }

  private void error(String line) {
    if (++errorCount <= MOST_REASONS) {
      errors.add(line);
    }
  }

  private void document(ParsedDocument document) {
    if (deletes && document.key().isPresent()) {
      ResourceKey key = document.key().get();
      if (isFirst(key, document.manifest())) {
        items.add(new Submission.Item(Ref.of(key), 0, "", List.of()));
      }
      return;
    }
    for (Problem problem : document.problems()) {
      if (problem.severity() == Severity.ERROR) {
        error(problem.toString());
      } else if (!deletes && warnings.size() < MOST_REASONS) {
        warnings.add(problem.toString());
      }
    }
    if (document.resource().isPresent()) {
      resource(document.resource().get(), document.manifest().orElseThrow());
    }
  }

  private boolean isFirst(ResourceKey key, Optional<Manifest> manifest) {
    String place = manifest.map(m -> m.file() + ":" + m.line()).orElse("");
    String first = seen.putIfAbsent(key, place);
    if (first != null && !deletes) {
      error(place + ": " + key + ": is defined already at " + first);
    }
    return first == null;
  }

  private void resource(Resource resource, Manifest manifest) {
    ResourceKey key = resource.key();
    String place = manifest.file() + ":" + manifest.line() + ": " + key + ": ";
    if (!isFirst(key, Optional.of(manifest))) {
      return;
    }
    String body = Documents.body(key, manifest);
    int bytes = body.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > ResourceApi.MOST_RESOURCE_BYTES) {
      error(
          place
              + "a resource too large: %d bytes, at most %d can be stored"
                  .formatted(bytes, ResourceApi.MOST_RESOURCE_BYTES));
      return;
    }
    total += bytes;
    if (total > MOST_TOTAL) {
      if (total - bytes <= MOST_TOTAL) {
        error(place + "a request too large, from here on: divide it");
      }
      return;
    }
    long expected = 0;
    String version = resource.meta().resourceVersion();
    if (!version.isEmpty()) {
      expected = version(version);
      if (expected == 0) {
        error(
            place
                + "metadata.resourceVersion: "
                + Text.quote(version)
                + " is none of this store's: leave it out, or get the resource again");
        return;
      }
    }
    List<String> claims =
        resource instanceof Service service
            ? service.frontends().stream().map(Object::toString).distinct().toList()
            : List.of();
    items.add(new Submission.Item(Ref.of(key), expected, body, claims));
  }

  /** 0 if it is not one. */
  static long version(String text) {
    try {
      return Math.max(0, Long.parseLong(text));
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
