#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "workers/state/snapshot_file.h"

namespace openmmp::state {
namespace {

class SnapshotTest : public testing::Test {
 protected:
  SnapshotTest() {
    std::string name = "/tmp/openmmp-snapshot-XXXXXX";
    path_ = ::mkdtemp(name.data());
    directory_ = UniqueFd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  ~SnapshotTest() override { std::filesystem::remove_all(path_); }
  std::filesystem::path path_;
  UniqueFd directory_;
};

TEST_F(SnapshotTest, WhatIsWrittenIsRead) {
  auto none = read_snapshot(directory_);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
  for (const uint32_t version : {1u, 2u}) {
    proto::Snapshot snapshot;
    snapshot.set_version(version);
    snapshot.add_stores()->set_store("a \xff byte");
    ASSERT_TRUE(write_snapshot(directory_, snapshot));
    const auto read = read_snapshot(directory_);
    ASSERT_TRUE(read && *read);
    EXPECT_EQ((**read).SerializeAsString(), snapshot.SerializeAsString());
  }
  struct stat status {};
  ASSERT_EQ(::stat((path_ / snapshot_name).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(SnapshotTest, WhatIsNoneIsSaidToBeNone) {
  std::ofstream(path_ / snapshot_name) << "\xff\xff noise";
  EXPECT_EQ(read_snapshot(directory_).error().code, Errc::protocol);
  std::filesystem::remove(path_ / snapshot_name);
  std::filesystem::create_directory(path_ / snapshot_name);
  EXPECT_EQ(read_snapshot(directory_).error().code, Errc::protocol);
  std::filesystem::remove(path_ / snapshot_name);
  std::filesystem::create_symlink("/etc/passwd", path_ / snapshot_name);
  EXPECT_EQ(read_snapshot(directory_).error().code, Errc::unavailable);
}

TEST_F(SnapshotTest, ADirectoryThatIsGone) {
  std::filesystem::remove_all(path_);
  EXPECT_EQ(write_snapshot(directory_, proto::Snapshot()).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace openmmp::state
