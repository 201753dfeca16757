// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Manifest;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Resource;
import io.sluice.config.model.ResourceKey;
import java.util.List;
import java.util.Optional;

/**
 * What became of one document.
 *
 * @param key what it is about, as far as it says so
 * @param resource present if it is valid and for Sluice
 * @param manifest present with the resource
 * @param refused whether it has an error
 * @param problems what to tell its author
 */
public record ParsedDocument(
    Optional<ResourceKey> key,
    Optional<Resource> resource,
    Optional<Manifest> manifest,
    boolean refused,
    List<Problem> problems) {

  static ParsedDocument good(Resource resource, Manifest manifest, Report report) {
    return new ParsedDocument(
        Optional.of(resource.key()),
        Optional.of(resource),
        Optional.of(manifest),
        false,
        report.problems());
  }

  /** It says what it is about, but is not valid. */
  static ParsedDocument refused(Report report) {
    return new ParsedDocument(
        report.key(), Optional.empty(), Optional.empty(), true, report.problems());
  }

  /** It does not even say what it is about. */
  static ParsedDocument without(Report report) {
    return new ParsedDocument(
        Optional.empty(), Optional.empty(), Optional.empty(), true, report.problems());
  }

  /** Nothing is wrong with it, but it is not for Sluice. */
  static ParsedDocument foreign(Report report) {
    return new ParsedDocument(
        report.key(), Optional.empty(), Optional.empty(), false, report.problems());
  }
}
