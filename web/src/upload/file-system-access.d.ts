/** What TypeScript does not know of the [File System Access API](https://wicg.github.io/file-system-access/), which only Chromium has. */

interface FileSystemHandle {
  queryPermission?(descriptor: { mode: "read" }): Promise<PermissionState>;
  requestPermission?(descriptor: { mode: "read" }): Promise<PermissionState>;
}

interface DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

interface Window {
  showOpenFilePicker?(options: { multiple: boolean; id?: string }): Promise<FileSystemFileHandle[]>;
  showDirectoryPicker?(options: { mode: "read"; id?: string }): Promise<FileSystemDirectoryHandle>;
}
