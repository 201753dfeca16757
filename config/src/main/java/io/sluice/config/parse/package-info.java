// SPDX-License-Identifier: Apache-2.0
/**
 * From the bytes of a manifest to resources: first a tree in which each value knows its line, then
 * records, with every fault named by file, line and field. Nothing in the input makes it throw.
 */
package io.sluice.config.parse;
